import { expect, test } from "vitest";
import { columnsOf, rangeBetween } from "./activity.ts";

const heatmap = {
  from_us: 1_000_000,
  step_us: 500_000,
  edges_ns: [1, 2, 3],
  cells: [[0, 0, 3, 1], [0, 1, 2, 0], [2, 1, 4, 4], [9, 0, 1, 1]] as [number, number, number, number][],
};

test("buckets of a step are summed, steps without requests are there, cells beyond the end are not", () => {
  expect(columnsOf(heatmap, 3).map(({ from_us, count, errors }) => [from_us, count, errors])).toEqual([
    [1_000_000, 5, 1],
    [1_500_000, 0, 0],
    [2_000_000, 4, 4],
  ]);
});

test("a range may be drawn from either end", () => {
  const columns = columnsOf(heatmap, 3);
  expect(rangeBetween(columns, 2, 1)).toEqual({ since: "1500", until: "2500" });
  expect(rangeBetween(columns, 0, 0)).toEqual({ since: "1000", until: "1500" });
  expect(rangeBetween(columns, 0, 7)).toBeNull();
});
