import { describe, expect, test } from "vitest";
import type { ServiceEdge, ServiceMap } from "../contract.ts";
import { curve, layOut, NODE_WIDTH, thickness } from "./layout.ts";
import { aligned, formatMetric, metricsOf, seriesLabels } from "./metric.ts";

function mapOf(calls: string[]): ServiceMap {
  const edges = calls.map((call): ServiceEdge => {
    const [from = "", to = ""] = call.split(">");
    return { from, to, calls: 1, rate: 1, errors: 0, p50_ns: 1, p95_ns: 1 };
  });
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  return { since_us: 0, until_us: 1, edges, nodes: names.map((service) => ({ service, requests: 1, rate: 1, errors: 0, p50_ns: 1, p95_ns: 1, p99_ns: 1 })) };
}

describe("the map", () => {
  test("every call without a circle goes down", () => {
    const map = mapOf(["a>b", "a>c", "b>c", "c>d", "e>d"]);
    const { places } = layOut(map);
    for (const { from, to } of map.edges) expect(places.get(from)?.y).toBeLessThan(places.get(to)?.y ?? 0);
  });

  test("circles, calls to oneself and lonely services find a place", () => {
    const map = mapOf(["a>b", "b>c", "c>a", "x>x"]);
    expect([...layOut(map).places.keys()].sort()).toEqual(["a", "b", "c", "x"]);
  });

  test("thirty services do not stand on each other", () => {
    const calls = Array.from({ length: 29 }, (_, index) => `s${Math.floor(index / 3)}>s${index + 1}`);
    const { places, width } = layOut(mapOf(calls));
    const all = [...places.values()];
    for (const one of all) {
      expect(one.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(all.filter((other) => other.y === one.y && Math.abs(other.x - one.x) < NODE_WIDTH)).toEqual([one]);
    }
  });

  test("neighbours stand beside each other, so that lines do not cross", () => {
    const { places } = layOut(mapOf(["r>a", "r>b", "a>x", "b>y", "a>z"]));
    const x = (name: string) => places.get(name)?.x ?? 0;
    expect(x("a") < x("b")).toBe(x("x") < x("y"));
  });

  test("a call that skips rows runs behind no box", () => {
    const map = mapOf(["a>b", "b>c", "c>d", "a>d", "a>c", "a>x", "x>d", "b>d"]);
    const layout = layOut(map);
    for (const edge of map.edges) {
      for (const { x, y } of layout.lanes(edge)) {
        const boxes = [...layout.places.values()].filter((box) => box.y === y);
        expect(boxes.filter((box) => x > box.x - 8 && x < box.x + NODE_WIDTH + 8)).toEqual([]);
      }
    }
    const skipping = map.edges.map((edge) => [`${edge.from}>${edge.to}`, layout.lanes(edge).length]);
    expect(Object.fromEntries(skipping)).toMatchObject({ "a>b": 0, "a>d": 2, "a>c": 1, "b>d": 1 });
    expect([...layout.places.keys()].sort()).toEqual(["a", "b", "c", "d", "x"]);
  });

  test("a line that goes back runs beside", () => {
    expect(curve({ x: 0, y: 300 }, { x: 0, y: 0 }).middle.x).toBeGreaterThan(NODE_WIDTH);
  });

  test("thickness follows the rate, and the rarest is still seen", () => {
    expect(thickness(10, 10)).toBe(8);
    expect(thickness(5, 10)).toBeLessThan(8);
    expect(thickness(0.001, 1000)).toBe(1.5);
    expect(thickness(0, 0)).toBe(1.5);
  });
});

describe("metrics", () => {
  const info = (name: string, service = "shop") => ({ service, name, unit: "s", kind: "gauge", description: "" });

  test("only the service's, what tells most first", () => {
    const found = metricsOf([info("b"), info("a"), info("c", "other"), info("wirespan.server.loop.lag")], "shop");
    expect(found.map(({ name }) => name)).toEqual(["wirespan.server.loop.lag", "a", "b"]);
  });

  test.each([
    [0.0012, "s", "1.20 ms"],
    [8.4e7, "By", "84.0 MB"],
    [3, "{request}", "3"],
    [0.25, "1", "0.250"],
  ])("%s %s reads %s", (value, unit, text) => expect(formatMetric(value, unit)).toBe(text));

  test("series share their times", () => {
    const line = (points: [number, number][]) => ({ service: "shop", attributes: {}, points });
    expect(aligned([line([[1e6, 5], [3e6, 6]]), line([[2e6, 7]])])).toEqual({ times: [1, 2, 3], values: [[5, null, 6], [null, 7, null]] });
    expect(seriesLabels([{ ...line([]), attributes: { method: "GET", code: 200 } }])).toEqual(["GET 200"]);
    expect(seriesLabels([line([])])).toEqual(["all"]);
    const routes = ["/a", "/b"].map((route) => ({ ...line([]), attributes: { method: "GET", route } }));
    expect(seriesLabels(routes)).toEqual(["/a", "/b"]);
  });
});
