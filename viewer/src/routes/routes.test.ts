import { describe, expect, test } from "vitest";
import type { Heatmap, Period, RouteComparison } from "../contract.ts";
import { comparisonWords, errorChange, latencyChange, movedState, rateChange } from "./change.ts";
import { goneRows } from "./gone.ts";
import { cellQuery, decadeRows, gridOf, isoOf, moveCell, strength } from "./heatmap.ts";
import { baseOf, comparisonOf, withComparison } from "./period.ts";
import { isFound, routeKey, routeQuery, routeTitle } from "./routeName.ts";
import { stepsOf } from "./steps.ts";

const search = (text: string) => new URLSearchParams(text);
const NOW = 1_800_000_000_000;

describe("the period that is compared with", () => {
  test.each([
    ["since=-15m&compare=previous", { base_since: "-1800s", base_until: "-900s" }],
    ["since=-1h&compare=day", { base_since: "-90000s", base_until: "-86400s" }],
    ["since=1000000&until=1600000&compare=previous", { base_since: "400000", base_until: "1000000" }],
    ["since=1799999000000&compare=previous", { base_since: "1799998000000", base_until: "1799999000000" }],
    ["compare=custom&base_since=5&base_until=9", { base_since: "5", base_until: "9" }],
    ["compare=previous", null],
    ["since=-15m", null],
    ["since=-15m&compare=nonsense", null],
    ["compare=custom&base_since=5", null],
  ])("%s", (text, base) => expect(baseOf(search(text), NOW)).toEqual(base));

  test("comparing sets a range where none is, and leaves one that is", () => {
    expect(withComparison(search("service=a"), "previous").toString()).toBe("service=a&compare=previous&since=-15m");
    const custom = withComparison(search("since=-1h&compare=day"), "custom", { base_since: "1", base_until: "2" });
    expect(custom.toString()).toBe("since=-1h&compare=custom&base_since=1&base_until=2");
    expect(comparisonOf(custom)).toBe("custom");
    expect(withComparison(custom, "off").toString()).toBe("since=-1h");
  });
});

describe("a change in words", () => {
  test.each([
    [2.1, "2.1x slower", "worse"],
    [0.5, "2.0x faster", "better"],
    [1.05, "same", "same"],
    [null, "", "same"],
    [Infinity, "", "same"],
  ])("%s is %s", (factor, text, tone) => expect(latencyChange(factor)).toEqual({ text, tone }));

  const states = (queue: number, run: number) => ({ queue, read: 0, schedule: 0, run, await: 0, write: 0 });
  const period = (p99_ns: number, errors: number, queue: number): Period => {
    const at = states(queue, p99_ns - queue);
    return { count: 100, rate: 1, errors, error_rate: errors / 100, p50_ns: 1, p95_ns: 1, p99_ns, states: { p50: at, p95: at, p99: at } };
  };
  const pair: RouteComparison = {
    service: "a", method: "GET", route: "/", now: period(8e8, 0, 5e8), base: period(4e8, 0, 1e8),
    change: { rate: 1, error_rate: null, p50: 1, p95: 1, p99: 2 },
  };

  test("errors from none and to none have words, not a factor", () => {
    expect(errorChange(period(1, 3, 0), period(1, 0, 0))).toEqual({ text: "were none", tone: "worse" });
    expect(errorChange(period(1, 0, 0), period(1, 3, 0))).toEqual({ text: "none now", tone: "better" });
    expect(errorChange(period(1, 6, 0), period(1, 3, 0))).toEqual({ text: "2.0x more", tone: "worse" });
    expect(errorChange(period(1, 0, 0), period(1, 0, 0)).text).toBe("");
  });

  test("the state that made the difference is named", () => {
    expect(movedState(pair)).toEqual({ state: "queue", byNs: 4e8 });
    expect(comparisonWords(pair)).toEqual({ text: "p99 2.0x slower: 800 ms, was 400 ms", tone: "worse", moved: { state: "queue", byNs: 4e8 } });
    expect(comparisonWords({ ...pair, base: null, change: null }).text).toMatch(/compared with/);
    expect(rateChange({ ...pair, base: null, change: null })).toEqual({ text: "new", tone: "same" });
    const gone = { ...pair, now: { ...period(0, 0, 0), count: 0 }, change: null };
    expect(rateChange(gone)).toEqual({ text: "gone", tone: "same" });
    expect(comparisonWords(gone).text).toMatch(/^Gone: no requests in this period, \d+ before, p99 was 400 ms$/);
    expect(goneRows([pair, gone])).toMatchObject([{ count: 0, p99_ns: 0, verdict: null }]);
  });
});

describe("the heat map", () => {
  const map: Heatmap = {
    from_us: 1_700_000_000_000_123,
    step_us: 1_000_500,
    edges_ns: [0, 1e5, 1e6, 1e7, 1e8],
    cells: [[0, 2, 3, 1], [1, 0, 1, 0], [1, 4, 1, 0], [9, 1, 1, 0]],
  };
  const grid = gridOf(map, 4);

  test("a cell's filters are exactly its edges", () => {
    expect(Object.fromEntries(cellQuery(search("service=a"), grid, { step: 1, bucket: 2 }))).toEqual({
      service: "a", since: "2023-11-14T22:13:21.000623Z", until: "2023-11-14T22:13:22.001123Z", min_ms: "1", max_ms: "10",
    });
  });

  test("the first band has no lower edge, the last no upper one", () => {
    expect(cellQuery(search("min_ms=3"), grid, { step: 0, bucket: 0 }).has("min_ms")).toBe(false);
    expect(cellQuery(search("max_ms=3"), grid, { step: 0, bucket: 4 }).has("max_ms")).toBe(false);
  });

  test("cells beyond the steps are left out, lines stand at powers of ten", () => {
    expect(grid.cells).toHaveLength(3);
    expect(decadeRows(grid).map(({ ns }) => ns)).toEqual([1e5, 1e6, 1e7, 1e8]);
    expect(grid.at(0, 2)).toEqual({ step: 0, bucket: 2, count: 3, errors: 1 });
    expect(grid.at(3, 3).count).toBe(0);
  });

  test("keys stay inside", () => {
    expect(moveCell(grid, { step: 0, bucket: 2 }, "ArrowLeft")).toEqual({ step: 0, bucket: 2 });
    expect(moveCell(grid, { step: 0, bucket: 2 }, "ArrowUp")).toEqual({ step: 0, bucket: 3 });
    expect(moveCell(grid, { step: 0, bucket: 2 }, "End")).toEqual({ step: 3, bucket: 2 });
    expect(moveCell(grid, { step: 0, bucket: 2 }, "x")).toBeNull();
  });

  test("one request is seen beside a thousand", () => {
    expect(strength(0, 1000)).toBe(0);
    expect(strength(1, 1000)).toBeGreaterThan(0.09);
    expect(strength(1000, 1000)).toBe(1);
  });

  test("instants keep their microseconds", () => expect(isoOf(1_000_001)).toBe("1970-01-01T00:00:01.000001Z"));
});

test("a route is a key, a title and filters", () => {
  const route = { service: "shop", method: "GET", route: null };
  expect(routeKey(route)).toBe("shop GET -");
  expect(routeTitle(route)).toBe("GET (no route)");
  expect(routeTitle({ service: "job", method: null, route: "nightly" })).toBe("nightly");
  expect(routeQuery(search("open=x&status=5xx"), route).toString()).toBe("status=5xx&service=shop&method=GET&route=");
});

test("each step of a series is there, also those without requests", () => {
  const steps = stepsOf({ from_us: 1000, step_us: 10, series: [[1, 3, 1, 5, 6, 7], [9, 1, 0, 1, 1, 1]] }, 3);
  const none = { count: 0, errors: 0, p50_ns: null, p95_ns: null, p99_ns: null };
  expect(steps).toEqual([{ us: 1000, ...none }, { us: 1010, count: 3, errors: 1, p50_ns: 5, p95_ns: 6, p99_ns: 7 }, { us: 1020, ...none }]);
});

test.each([
  ["", true],
  ["orders", true],
  ["POST checkout", true],
  ["post ORD", true],
  ["GET", false],
  ["orders gateway", false],
])("a route is found by all words of %j: %s", (find, found) => expect(isFound({ service: "checkout", method: "POST", route: "/orders" }, find)).toBe(found));
