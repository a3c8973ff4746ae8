/** Numbers with units, as people read them: three digits, one format everywhere. */

const DURATION_UNITS: readonly [number, string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** `840 ms`, `1.24 s`, `2 m 03 s`. @param ns - nanoseconds */
export function formatDuration(ns: number): string {
  const { value, unit } = durationParts(ns);
  return `${value} ${unit}`;
}

/** The number and the unit of a duration apart, for columns that align them. */
export function durationParts(ns: number): { value: string; unit: string } {
  if (ns >= 59.95e9) return longDuration(Math.round(ns / 1e9));
  const last = DURATION_UNITS.length - 1;
  // 999.6 µs is 1.00 ms, not 1000 µs.
  const found = DURATION_UNITS.findIndex(([size]) => ns >= size * 0.9995);
  const [size, unit] = DURATION_UNITS[found < 0 ? last : found] ?? [1, "ns"];
  return { value: size === 1 ? String(Math.round(ns)) : threeDigits(ns / size), unit };
}

function longDuration(seconds: number): { value: string; unit: string } {
  const pad = (number: number) => String(number).padStart(2, "0");
  if (seconds < 3600) return { value: `${Math.floor(seconds / 60)} m ${pad(seconds % 60)}`, unit: "s" };
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return { value: `${Math.floor(minutes / 60)} h ${pad(minutes % 60)}`, unit: "m" };
  return { value: `${Math.floor(minutes / 1440)} d ${pad(Math.floor((minutes % 1440) / 60))}`, unit: "h" };
}

function threeDigits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** `1,234`, `12.3k`, `4.5M`. */
export function formatCount(count: number): string {
  if (count < 10_000) return Math.round(count).toLocaleString("en");
  if (count < 999_500) return `${threeDigits(count / 1e3)}k`;
  return count < 999.5e6 ? `${threeDigits(count / 1e6)}M` : `${threeDigits(count / 1e9)}G`;
}

/** `12.5/s`; below one a second `3.2/min`. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.995) return `${threeDigits(perSecond * 60)}/min`;
  return perSecond < 10_000 ? `${threeDigits(perSecond)}/s` : `${formatCount(perSecond)}/s`;
}

/** `0.4%`, `12%`. @param share - 0 to 1 */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0) return "0%";
  if (percent < 0.1) return "<0.1%";
  return percent < 9.95 && percent % 1 !== 0 ? `${percent.toFixed(1)}%` : `${Math.round(percent)}%`;
}

/** `1.6x`, `9x`. */
export function formatFactor(factor: number): string {
  return `${factor < 9.95 ? factor.toFixed(1) : Math.round(factor).toLocaleString("en")}x`;
}

/** `3.4 MB`; units of 1000. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${threeDigits(bytes / 1e3)} kB`;
  return bytes < 999.5e6 ? `${threeDigits(bytes / 1e6)} MB` : `${threeDigits(bytes / 1e9)} GB`;
}

const pad = (number: number, digits = 2) => String(number).padStart(digits, "0");

/** Local time of day, `14:05:09.123`. @param us - Unix microseconds */
export function formatTime(us: number): string {
  const at = new Date(us / 1000);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

/** Local time of day without seconds, `14:05`. */
export function formatMinute(us: number): string {
  const at = new Date(us / 1000);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** Name of the time zone that times are shown in, `Europe/Zurich`. */
export const zoneName = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Local date and time, `2026-11-22 14:05:09.123`. */
export function formatInstant(us: number): string {
  const at = new Date(us / 1000);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${formatTime(us)}`;
}

/** Local time of day to the minute, with the date where that is not today. @param us - Unix microseconds */
export function formatClock(us: number): string {
  const at = new Date(us / 1000);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? formatMinute(us) : `${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${formatMinute(us)}`;
}
