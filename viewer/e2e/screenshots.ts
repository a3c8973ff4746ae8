/** The pictures that README.md and docs/ show, with what `wirespan demo` did for a while: `make screenshots`. */

import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import { test } from "vitest";
import type { Request, RequestPage } from "../src/contract.ts";
import { launch, open } from "./browser.ts";
import { wirespan } from "./real/processes.ts";

const FOLDER = process.env.SCREENSHOTS ?? "../docs/images";
/** Enough for percentiles that mean something. */
const TRAFFIC = 1500;
const WIDTH = 1400;
const HEIGHT = 800;

interface Shot {
  name: string;
  colors: ("dark" | "light")[];
  path: string;
  ready: string;
  /** Where the page has less to show than a window. */
  height?: number;
  prepare?: (page: Page) => Promise<void>;
}

function shots(slow: Request): Shot[] {
  const trace = `/traces/${slow.trace_id}?span=${slow.span_id}`;
  return [
    { name: "live", colors: ["dark"], path: "/live", ready: ".live-row:nth-child(20)" },
    { name: "trace", colors: ["dark", "light"], path: trace, ready: "[data-row]", height: 480 },
    { name: "inflight", colors: ["light"], path: "/inflight", ready: ".running tbody tr:nth-child(3)", height: 480 },
    { name: "routes", colors: ["light"], path: "/routes", ready: ".routes-list .verdict" },
    {
      name: "route",
      colors: ["dark"],
      path: `/routes?open=${encodeURIComponent("shop GET /products/{number}")}`,
      ready: ".heatmap canvas",
    },
    { name: "services", colors: ["light"], path: "/services", ready: ".service-map .node", height: 480 },
  ];
}

test("screenshots", { timeout: 240_000 }, async () => {
  mkdirSync(FOLDER, { recursive: true });
  const demo = wirespan("demo", "--seconds", "200");
  const address = (await demo.says(/in a page:\s+(http:\S+)/))[1] ?? "";
  const browser = await launch();
  for (const shot of shots(await interesting(address))) {
    for (const colorScheme of shot.colors) {
      const viewport = { width: WIDTH, height: shot.height ?? HEIGHT };
      const { page } = await open(browser, address + shot.path, { colorScheme, viewport, reducedMotion: "reduce" });
      await page.waitForSelector(shot.ready);
      await page.waitForFunction(() => document.fonts.ready.then(() => true));
      await shot.prepare?.(page);
      await page.screenshot({ path: `${FOLDER}/${shot.name}-${colorScheme}.png` });
      await page.context().close();
    }
  }
  await browser.close();
  await demo.end();
});

/** When there is enough: a page whose product waited for a blocked loop. */
async function interesting(address: string): Promise<Request> {
  const newest = async (filter: string) =>
    ((await (await fetch(`${address}/api/requests?limit=1000&${filter}`)).json()) as RequestPage).requests;
  for (;;) {
    const products = await newest("service=shop&route=/products/{number}&min_ms=50&status=200");
    const pages = new Set((await newest("service=front&min_ms=50")).map(({ trace_id }) => trace_id));
    const slow = products.find(({ trace_id }) => pages.has(trace_id));
    const { requests } = (await (await fetch(`${address}/api/status`)).json()) as { requests: number };
    if (slow && requests >= TRAFFIC) return slow;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
