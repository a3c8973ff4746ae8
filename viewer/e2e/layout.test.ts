/** Every page on every width, with names that are too long: nothing runs past the right edge, and the main thing is in sight. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, open, serve, type Served } from "./browser.ts";

const SEGMENTS = Array.from({ length: 40 }, (_, index) => `segment-${index}`).join("/");
const LONG = { service: `service-${"with-a-name-that-goes-on".repeat(3)}`, route: `/${SEGMENTS}`, path: `/${SEGMENTS}?q=1` };
const scene = (name: string): string => `/traces/5ce${"0".repeat(25)}${name}`;
const CROWDED = scene("c40d");
const SIZES = [[360, 740], [768, 1024], [1024, 768], [2560, 1440]] as const;
const OPEN = encodeURIComponent(`${LONG.service} GET ${LONG.route}`);

let browser: Browser;
let served: Served;

beforeAll(async () => {
  [browser, served] = await Promise.all([launch(), serve({ history: 300 })]);
  served.api.add(3, { ...LONG, method: "GET" });
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

const PAGES = [
  { name: "Live", path: "/live", ready: ".live-row:nth-child(3)" },
  { name: "Live with long filters", path: `/live?service=${LONG.service}&route=${encodeURIComponent(LONG.route)}`, ready: ".chip" },
  { name: "Routes", path: "/routes", ready: ".routes-list .verdict" },
  { name: "two periods", path: "/routes?since=-15m&compare=previous", ready: ".verdict .change" },
  { name: "a route", path: `/routes?open=${OPEN}`, ready: ".heatmap canvas" },
  { name: "Services", path: "/services", ready: ".service-map .node" },
  { name: "a service", path: "/services?open=checkout", ready: ".time-chart canvas" },
  { name: "In flight", path: "/inflight", ready: ".running" },
  { name: "a trace of many services", path: CROWDED, ready: "[data-row]" },
  { name: "a failed trace", path: scene("fa11"), ready: "[data-row]" },
  { name: "no such page", path: "/nowhere", ready: ".link" },
];

/** What lies beyond the window's right edge, but for what its own box scrolls to by intent: the map, stacks, and the table of states. */
function beyond(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isCut = (element: Element): boolean => {
      for (let above = element.parentElement; above && above.id !== "app"; above = above.parentElement) {
        const isHidden = /hidden|clip/.test(getComputedStyle(above).overflowX);
        const scrolls = above.matches(".service-map, .percentile-scroll, .stack pre");
        if ((isHidden || scrolls) && above.getBoundingClientRect().right <= window.innerWidth + 1) return true;
      }
      return false;
    };
    const found = [...document.querySelectorAll("#app *")].filter((element) => {
      const { right, width } = element.getBoundingClientRect();
      return width > 0 && right > window.innerWidth + 1 && !isCut(element);
    });
    return found.map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`).slice(0, 5);
  });
}

describe.each(SIZES)("%i x %i", (width, height) => {
  test.each(PAGES)("$name", async ({ path, ready }) => {
    const { page, faults } = await open(browser, served.address + path, { viewport: { width, height } });
    await page.locator(ready).first().waitFor();
    expect(await beyond(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

test.each(PAGES.filter(({ name }) => name !== "no such page"))("$name, while the viewer cannot answer: says why, and goes on by itself", async ({ path, ready }) => {
  served.api.refusal = "The store is full: free some disk space.";
  const { page } = await open(browser, served.address + path, { viewport: { width: 360, height: 740 } });
  await page.getByText(served.api.refusal).first().waitFor();
  expect(await beyond(page)).toEqual([]);
  served.api.refusal = null;
  await page.locator(ready).first().waitFor();
  await page.context().close();
});

test("a trace of thirty services shows its spans without scrolling, and all services on demand", async () => {
  const { page } = await open(browser, served.address + CROWDED);
  const first = await page.locator("[data-row]").first().boundingBox();
  expect(first?.y).toBeLessThan(380);
  expect(await page.locator(".trace-services .service-name").count()).toBe(6);
  await page.getByRole("button", { name: "24 more" }).click();
  expect(await page.locator(".trace-services .service-name").count()).toBe(30);
  await page.context().close();
});

test("a route with an endless name leaves the numbers of all routes in sight", async () => {
  const { page } = await open(browser, served.address + "/routes");
  const last = await page.locator(".routes-list td.states-cell").first().boundingBox();
  expect((last?.x ?? Infinity) + (last?.width ?? 0)).toBeLessThanOrEqual(1440);
  await page.context().close();
});

test("an exception that came after its span says how late, and hangs on the span by a line", async () => {
  const { page } = await open(browser, served.address + CROWDED);
  const note = page.locator(".note-row", { hasText: "RuntimeError" });
  expect(await note.innerText()).toContain("7.00 ms late");
  expect(await note.locator(".note-tether").count()).toBe(1);
  await page.context().close();
});

test("the map of services keeps its text readable, and scrolls where it is larger than its room", async () => {
  const { page } = await open(browser, served.address + "/services", { viewport: { width: 360, height: 740 } });
  const box = await page.locator(".service-map .node rect").first().boundingBox();
  expect(box?.width).toBeGreaterThan(110);
  await page.context().close();
});
