import { describe, expect, it } from "vitest";
import type { RunningRequest } from "../contract.ts";
import { aged } from "./aged.ts";

const NONE = { queue: 0, read: 0, schedule: 0, run: 0, await: 0, write: 0 };

function running(facts: Partial<RunningRequest>): RunningRequest {
  return {
    id: "1",
    method: "GET",
    route: "/items/{id}",
    path: "/items/7",
    state: "await",
    state_ns: 1e6,
    age_ns: 3e6,
    trace_id: null,
    states: { ...NONE, run: 2e6, await: 1e6 },
    client: null,
    background: false,
    ...facts,
  };
}

describe("requests some time after they were reported", () => {
  it("are older, and longer in their state", () => {
    const [request] = aged([running({})], 2);
    expect(request).toMatchObject({ age_ns: 5e6, state_ns: 3e6, states: { run: 2e6, await: 3e6 } });
  });

  it("add to no state in the background", () => {
    const [request] = aged([running({ state: null, background: true })], 2);
    expect(request).toMatchObject({ age_ns: 5e6, state_ns: 3e6, states: { ...NONE, run: 2e6, await: 1e6 } });
  });

  it("have no states where none are recorded", () => {
    const [request] = aged([running({ state: null, states: null })], 2);
    expect(request).toMatchObject({ age_ns: 5e6, states: null });
  });

  it("come with the oldest first", () => {
    const ids = aged([running({ id: "young", age_ns: 1 }), running({ id: "old", age_ns: 2 })], 0);
    expect(ids.map(({ id }) => id)).toEqual(["old", "young"]);
  });
});
