import { expect, test } from "vitest";
import { stateShares, statesInWords, statesTotal } from "./states.ts";

const states = { queue: 220, read: 0, schedule: 3, run: 70, await: 700, write: 7 };

test("shares are of the whole, in the order of a request's life, without what took no time", () => {
  expect(statesTotal(states)).toBe(1000);
  expect(stateShares(states).map(({ state, share }) => [state, share])).toEqual([
    ["queue", 0.22],
    ["schedule", 0.003],
    ["run", 0.07],
    ["await", 0.7],
    ["write", 0.007],
  ]);
});

test("in words the longest comes first, and none is 0%", () => {
  expect(statesInWords(states)).toBe("await 70%, queue 22%, run 7%, write 1%, schedule 1%");
});
