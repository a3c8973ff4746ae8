/** Round local times for the axes of charts, each with the digits that tell it from its neighbours. */

import { formatInstant, formatMinute, formatTime } from "./units.ts";

export interface TimeTick {
  us: number;
  text: string;
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that people count time in, microseconds. */
const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((ms) => ms * 1000),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 30].map((days) => days * DAY),
];

/** At most `most` round times within a range. @param fromUs - Unix microseconds, as `untilUs` */
export function timeTicks(fromUs: number, untilUs: number, most: number): TimeTick[] {
  const least = (untilUs - fromUs) / Math.max(1, most);
  const step = STEPS.find((one) => one >= least) ?? Math.ceil(least / DAY) * DAY;
  // Hours and days are round in local time.
  const shift = new Date(fromUs / 1000).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((fromUs - shift) / step);
  const last = Math.floor((untilUs - shift) / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const us = (first + index) * step + shift;
    return { us, text: formatTick(us, step) };
  });
}

/** A time of day as exactly as the distance to the next tick needs. @param stepUs - that distance, microseconds */
export function formatTick(us: number, stepUs: number): string {
  if (stepUs >= DAY) return formatInstant(us).slice(5, 10);
  if (stepUs >= MINUTE) return formatMinute(us);
  return stepUs >= SECOND ? formatTime(us).slice(0, 8) : formatTime(us);
}
