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
    state_ns: 1e9,
    age_ns: 3e9,
    trace_id: null,
    states: { ...NONE, run: 2e9, await: 1e9 },
    client: null,
    background: false,
    ...facts,
  };
}

describe("requests some time after they were reported", () => {
  it("are older, and longer in their state", () => {
    const [request] = aged([running({})], 500);
    expect(request).toMatchObject({ age_ns: 3.5e9, state_ns: 1.5e9, states: { run: 2e9, await: 1.5e9 } });
  });

  it("add to no state in the background", () => {
    const [request] = aged([running({ state: null, background: true })], 500);
    expect(request).toMatchObject({ age_ns: 3.5e9, state_ns: 1.5e9, states: { ...NONE, run: 2e9, await: 1e9 } });
  });

  it("have no states where none are recorded", () => {
    const [request] = aged([running({ state: null, states: null })], 500);
    expect(request).toMatchObject({ age_ns: 3.5e9, states: null });
  });

  it("stay as they were where they are younger than reports are apart: most have ended since", () => {
    const young = running({ age_ns: 20e6, state_ns: 9e6 });
    expect(aged([young], 900)).toEqual([young]);
  });

  it("stop growing older when the next report does not come", () => {
    expect(aged([running({})], 60_000)[0]?.age_ns).toBe(5e9);
  });

  it("come with the oldest first", () => {
    const ids = aged([running({ id: "young", age_ns: 1 }), running({ id: "old", age_ns: 2 })], 0);
    expect(ids.map(({ id }) => id)).toEqual(["old", "young"]);
  });
});
