/** A duration whose unit has a place of its own, so that columns of them line up. */

import { durationParts } from "../units.ts";

export function Duration({ ns }: { ns: number }) {
  const { value, unit } = durationParts(ns);
  return (
    <span class="duration">
      {value} <span class="unit">{unit}</span>
    </span>
  );
}
