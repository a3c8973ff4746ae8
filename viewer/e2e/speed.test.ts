/** What keeps the page smooth, in counts and in processor time of its thread: a busy machine changes neither much. */

import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, open, serve, type Served } from "./browser.ts";

const LARGE = `/traces/${"0".repeat(27)}10000`;
const STEPS = 60;
const ROWS_A_STEP = 4;
const ROW_PX = 26;
const START = 100 * ROW_PX;

let browser: Browser;
let served: Served;

beforeAll(async () => {
  [browser, served] = await Promise.all([launch(), serve({ history: 500 })]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

interface Costs {
  nodes: number;
  layouts: number;
  styles: number;
  /** Milliseconds of the processor. */
  taskMs: number;
}

/** Reads the renderer's counters, after what is garbage went. */
async function costsOf(session: CDPSession): Promise<Costs> {
  for (let turn = 0; turn < 3; turn++) await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? NaN;
  return { nodes: value("Nodes"), layouts: value("LayoutCount"), styles: value("RecalcStyleCount"), taskMs: value("TaskDuration") * 1000 };
}

async function counters(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return session;
}

test("10,000 spans: a step of scrolling makes the rows that come, and nothing else", async () => {
  const { page, faults } = await open(browser, served.address + LARGE);
  await page.locator("[data-row]").first().waitFor();
  // Away from the top, where fewer rows stand beyond the edge.
  await page.evaluate((top) => document.querySelector(".waterfall")?.scrollTo(0, top), START);
  await page.waitForFunction(() => !document.querySelector('[data-row="0"]'));
  const session = await counters(page);
  const before = await costsOf(session);
  const made = await page.evaluate(
    async ([steps, by]) => {
      const box = document.querySelector(".waterfall") as HTMLElement;
      const touched = new Set<Element>();
      const observer = new MutationObserver((mutations) => {
        for (const { target, addedNodes } of mutations) {
          const nodes = target === box.querySelector(".waterfall-window") ? [...addedNodes] : [target];
          for (const node of nodes) {
            const row = (node instanceof Element ? node : node.parentElement)?.closest("[data-row]");
            if (row) touched.add(row);
          }
        }
      });
      let most = 0;
      let all = 0;
      observer.observe(box, { childList: true, attributes: true, characterData: true, subtree: true });
      for (let step = 0; step < steps; step++) {
        box.scrollTop += by;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        most = Math.max(most, touched.size);
        all += touched.size;
        touched.clear();
      }
      return { most, all, scrolled: box.scrollTop };
    },
    [STEPS, ROWS_A_STEP * ROW_PX] as const,
  );
  const after = await costsOf(session);
  expect(made.scrolled).toBe(START + STEPS * ROWS_A_STEP * ROW_PX);
  expect(await page.locator("[data-row]").count()).toBeLessThan(90);
  // Those that come at one edge; a view of some fifty rows drawn anew would be fifty.
  expect(made.all / STEPS).toBeLessThanOrEqual(ROWS_A_STEP + 1);
  // A row has about twenty: none of those that left is held.
  expect((after.nodes - before.nodes) / STEPS).toBeLessThan(1);
  expect((after.layouts - before.layouts) / STEPS).toBeLessThan(4);
  expect((after.styles - before.styles) / STEPS).toBeLessThan(6);
  expect((after.taskMs - before.taskMs) / STEPS).toBeLessThan(16);
  expect(faults).toEqual([]);
  await page.context().close();
});

test("10,000 spans: keys select without drawing other rows anew", async () => {
  const { page } = await open(browser, served.address + LARGE);
  await page.locator("[data-row]").first().waitFor();
  await page.keyboard.press("j");
  const session = await counters(page);
  const before = await costsOf(session);
  for (let press = 0; press < 30; press++) await page.keyboard.press("j");
  const after = await costsOf(session);
  expect(after.nodes).toBeLessThan(before.nodes * 2);
  expect((after.taskMs - before.taskMs) / 30).toBeLessThan(40);
  await page.context().close();
});

test("Live at 2,000 requests a second leaves the tab most of its time", async () => {
  const { page, faults } = await open(browser, served.address + "/live");
  await page.locator(".live-row").nth(5).waitFor();
  const session = await counters(page);
  const before = await costsOf(session);
  const seconds = 4;
  for (let batch = 0; batch < seconds * 10; batch++) {
    served.api.add(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  served.api.add(1, { route: "/last" });
  await page.locator(".live-row .route").getByText("/last").waitFor();
  const after = await costsOf(session);
  expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe(String(200 + seconds * 2000 + 1));
  expect(await page.locator(".live-row").count()).toBeLessThan(80);
  // At most two tenths of a millisecond for each request, drawn or not: the thread has more than half of its time left.
  expect((after.taskMs - before.taskMs) / (seconds * 2000)).toBeLessThan(0.2);
  // Drawn ten times a second at most, whatever comes.
  expect((after.layouts - before.layouts) / seconds).toBeLessThan(40);
  expect(faults).toEqual([]);
  await page.context().close();
});
