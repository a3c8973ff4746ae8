/** Pictures of each page in both themes: `make screenshots`. To be looked at, and for the README and the docs. */

import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { launch, open, serve } from "./browser.ts";

const FOLDER = process.env.SCREENSHOTS ?? "screenshots";

interface Shot {
  name: string;
  path: string;
  history?: number;
  prepare?: (page: Page) => Promise<void>;
}

/** Traces of one shape each, see `mock/scenes.ts`. */
const SCENE = `/traces/5ce${"0".repeat(25)}`;

const SHOTS: Shot[] = [
  { name: "live", path: "/live" },
  { name: "live-filtered", path: "/live?status=error&min_ms=50" },
  {
    name: "live-suggestions",
    path: "/live?service=checkout",
    prepare: async (page) => {
      await page.keyboard.press("/");
      await page.keyboard.type("st");
      await page.waitForSelector(".suggestions li");
    },
  },
  {
    name: "live-selected",
    path: "/live",
    prepare: async (page) => {
      for (const key of ["n", "j", "j"]) await page.keyboard.press(key);
      await page.hover(".live-row.selected .state-bar");
      await page.waitForSelector(".tooltip");
    },
  },
  { name: "live-refused", path: "/live?status=9xx" },
  { name: "trace", path: `${SCENE}fa11` },
  { name: "trace-error", path: `${SCENE}fa11?span=0000000000000001&detail=1` },
  { name: "trace-clocks", path: `${SCENE}5ce3?span=0000000000000003` },
  { name: "trace-search", path: `${SCENE}10de?find=price+10&zoom=100000000-400000000` },
  { name: "trace-deep", path: `${SCENE}dee9` },
  { name: "trace-large", path: `/traces/${"0".repeat(27)}10000` },
  { name: "inflight", path: "/inflight" },
  { name: "routes", path: "/routes?since=-1h" },
  { name: "routes-compared", path: "/routes?since=-15m&compare=previous" },
  { name: "routes-one", path: `/routes?since=-1h&open=${encodeURIComponent("checkout POST /orders")}`, prepare: (page) => page.locator(".heatmap canvas").hover() },
  { name: "routes-one-compared", path: `/routes?since=-15m&compare=previous&open=${encodeURIComponent("checkout GET /cart/{user}")}`, prepare: (page) => page.locator(".heatmap canvas").hover() },
  { name: "services", path: "/services?since=-1h" },
  { name: "services-one", path: "/services?since=-1h&open=checkout", prepare: (page) => page.locator(".services-side .plot").first().hover() },
  { name: "first-run", path: "/live", history: 0 },
  {
    name: "first-run-curl",
    path: "/live",
    history: 0,
    prepare: (page) => page.getByRole("tab", { name: "curl" }).click(),
  },
  {
    name: "keys",
    path: "/live",
    prepare: async (page) => {
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
    },
  },
];

test("screenshots", { timeout: 180_000 }, async () => {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await launch();
  const only = process.env.ONLY;
  for (const shot of SHOTS.filter(({ name }) => !only || name.startsWith(only))) {
    const served = await serve({ history: shot.history ?? 4000 });
    for (const colorScheme of ["dark", "light"] as const) {
      const { page } = await open(browser, served.address + shot.path, { colorScheme });
      await page.waitForLoadState("load");
      await page.waitForSelector(".virtual-rows, .waterfall-rows, .first-run, .message, .table, svg");
      await page.waitForFunction(() => document.fonts.ready.then(() => true));
      await page.waitForTimeout(350);
      await shot.prepare?.(page);
      await page.screenshot({ path: `${FOLDER}/${shot.name}-${colorScheme}.png` });
      await page.context().close();
    }
    await served.close();
  }
  await browser.close();
});
