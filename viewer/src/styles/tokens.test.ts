/** The state colours must be told apart by everyone: distances in OKLab, as seen with each kind of colour blindness. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { STATES } from "../states.ts";

type Vector = [number, number, number];

/** Machado, Oliveira and Fernandes 2009, table 1, severity 1.0; on linear RGB. */
const EYES: Record<string, Vector[]> = {
  full: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const LEAST_DISTANCE = 0.09;
/** Below WCAG's 3:1, which no yellow has on white: the bar's name and tooltip tell the same in words. */
const LEAST_CONTRAST = 2.2;

const css = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
const [dark = "", light = ""] = css.split(':root[data-theme="light"]');

function value(block: string, name: string): Vector {
  const hex = new RegExp(`${name}: #([0-9a-f]{6})`).exec(block)?.[1] ?? "";
  return [0, 2, 4].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255)) as Vector;
}

const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);

const times = (rows: Vector[], [r, g, b]: Vector) =>
  rows.map(([x, y, z]) => Math.min(1, Math.max(0, x * r + y * g + z * b))) as Vector;

function oklab([r, g, b]: Vector): Vector {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const luminance = ([r, g, b]: Vector) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(one: Vector, other: Vector): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const pairs = STATES.flatMap((one, index) => STATES.slice(index + 1).map((other) => [one, other] as const));

describe.each([["dark", dark], ["light", light]])("%s", (_, block) => {
  test.each(Object.keys(EYES))("no two are alike to %s eyes", (eye) => {
    const seen = (state: string) => oklab(times(EYES[eye] ?? [], value(block, `--state-${state}`)));
    const near = pairs
      .map(([one, other]) => ({ pair: `${one} ${other}`, distance: Math.hypot(...seen(one).map((part, at) => part - (seen(other)[at] ?? 0))) }))
      .filter(({ distance }) => distance < LEAST_DISTANCE);
    expect(near).toEqual([]);
  });

  test.each(STATES)("%s stands out from the ground", (state) => {
    expect(contrast(value(block, `--state-${state}`), value(block, "--ground"))).toBeGreaterThan(LEAST_CONTRAST);
  });
});
