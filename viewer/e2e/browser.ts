/** What browser tests share: the built page served with a mock of the API, and a headless Chromium that looks at it. */

import { existsSync } from "node:fs";
import axe, { type AxeResults } from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { preview, type PreviewServer } from "vite";
import { MockApi, type MockOptions } from "../mock/api.ts";
import { mockPlugin } from "../mock/plugin.ts";

export interface Served {
  address: string;
  api: MockApi;
  close: () => Promise<void>;
}

/** Serves the built page on a free port. `npm run build` comes first. */
export async function serve(options: Partial<MockOptions> = {}): Promise<Served> {
  const api = new MockApi({ rate: 0, ...options });
  const server: PreviewServer = await preview({
    configFile: false,
    root: new URL("..", import.meta.url).pathname,
    logLevel: "error",
    build: { outDir: process.env.WIRESPAN_STATIC ?? "../python/wirespan/viewer/static" },
    plugins: [mockPlugin(api)],
    preview: { port: 0, host: "127.0.0.1" },
  });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error("the preview server tells no address");
  return {
    address: address.replace(/\/$/, ""),
    api,
    close: async () => {
      api.close();
      await server.close();
    },
  };
}

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export async function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: run scripts/install-chromium, or set CHROMIUM`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      // Chromium's sandbox refuses to run as root, as in containers. The pages under test are our own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--font-render-hinting=none",
    ],
  });
}

/** A new page, and what went wrong in it: errors on the console, exceptions, requests to elsewhere. */
export async function open(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", ...options });
  const page = await context.newPage();
  // Shorter than a test's time: what is waited for in vain is named.
  page.setDefaultTimeout(10_000);
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(address).origin)) faults.push(`asked ${request.url()}`);
  });
  await page.goto(address);
  return { page, faults };
}

/** What axe holds against the page. It is evaluated, not loaded: the page's policy forbids other scripts. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(() => document.getAnimations().forEach((animation) => animation.pause()));
  await page.evaluate(axe.source);
  const results = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
  );
}
