/** The page on the real viewer: with the demo, with the official OpenTelemetry SDK, beside a server, with curl. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launch, open, violations } from "./browser.ts";
import { python, wirespan, type Running } from "./programs.ts";

const ROWS = ".live-row:not(.live-head)";
const THEMES = ["dark", "light"] as const;

let browser: Browser;
let page: Page;
let faults: string[];

async function show(address: string, ready: string, colorScheme: (typeof THEMES)[number] = "dark"): Promise<void> {
  ({ page, faults } = await open(browser, address, { colorScheme }));
  await page.locator(ready).first().waitFor();
}

const text = async (selector: string) => (await page.locator(selector).first().innerText()).replace(/\s+/g, " ");

/** The cells of the first row that holds these words. */
async function cells(row: string, words: string): Promise<string[]> {
  const found = page.locator(row).filter({ hasText: words }).first();
  return (await found.locator("td, [role=gridcell]").allInnerTexts()).map((cell) => cell.replace(/\s+/g, " ").trim());
}

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

afterEach(async () => {
  expect(faults).toEqual([]);
  await page.context().close();
});

describe("the demo", () => {
  let demo: Running;

  beforeAll(async () => {
    demo = await wirespan(["demo", "--seconds", "0", "--view-port", "0"], /in a page:\s+(\S+)/);
  });

  afterAll(() => demo.stop());

  test("requests come in by themselves, with their states", async () => {
    await show(demo.found, ROWS);
    const first = await page.locator(ROWS).first().innerText();
    await page.waitForFunction(
      ([rows, was]) => document.querySelector<HTMLElement>(rows)?.innerText !== was,
      [ROWS, first] as const,
    );
    await page.locator(ROWS).filter({ hasText: "/search" }).first().waitFor();
    const bar = page.locator(ROWS).filter({ hasText: "/search" }).first().getByRole("img");
    expect(await bar.getAttribute("aria-label")).toMatch(/await \d+%/);
  });

  test("a filter narrows the list and stays in the address", async () => {
    await show(demo.found, ROWS);
    await page.keyboard.press("/");
    await page.keyboard.type("route:/search");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (rows) => [...document.querySelectorAll(rows)].every((row) => row.textContent.includes("/search")),
      ROWS,
    );
    expect(new URL(page.url()).searchParams.get("route")).toBe("/search");
    expect(await page.locator(ROWS).count()).toBeGreaterThan(0);
  });

  test("keys lead from a request to its trace over both services", async () => {
    await show(`${demo.found}/live?service=front&route=${encodeURIComponent("/page/{number:int}")}`, ROWS);
    for (const key of ["j", "Enter"]) await page.keyboard.press(key);
    await page.locator("[data-row]").nth(1).waitFor();
    expect(await page.locator("[data-row] .span-name").first().innerText()).toBe("GET /page/{number:int}");
    expect(await page.locator("[data-row]").filter({ hasText: "shop" }).count()).toBeGreaterThan(0);
  });

  test("Routes has a verdict, Services an edge", async () => {
    await show(`${demo.found}/routes`, ".routes-list .verdict");
    await page.locator(".routes-list").getByText("/export").first().waitFor();
    expect(await text(".routes-list .verdict")).toMatch(/p99 is [\d.]+ m?s/);
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByText("front calls shop").waitFor();
  });

  test("In flight shows what runs", async () => {
    await show(`${demo.found}/inflight`, ".running tbody tr");
    expect(await page.locator(".server-head").allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining("shop")]),
    );
  });

  for (const scheme of THEMES) {
    test(`axe finds nothing, ${scheme}`, { timeout: 60_000 }, async () => {
      for (const [path, ready] of [
        ["/live", ROWS],
        ["/routes", ".routes-list .verdict"],
        ["/services", "svg a"],
        ["/inflight", ".running tbody tr"],
      ] as const) {
        await show(demo.found + path, ready, scheme);
        expect(await violations(page), path).toEqual([]);
        expect(faults).toEqual([]);
        if (path !== "/inflight") await page.context().close();
      }
    });
  }
});

describe("the official SDK", () => {
  interface Sent {
    trace: { id: string; spans: number; ms: number };
    large: { id: string; spans: number };
    durations_ms: number[];
  }

  let viewer: Running;
  let sent: Sent;

  beforeAll(async () => {
    viewer = await wirespan(["view", "--db", ":memory:", "--port", "0"], /viewer on (\S+)/);
    sent = await python<Sent>("sdk_sender.py", viewer.found);
  });

  afterAll(() => viewer.stop());

  test("a row tells what was sent", async () => {
    await show(`${viewer.found}/live?route=/cart`, ROWS);
    expect((await cells(ROWS, "/cart")).slice(1, 6)).toEqual(["gateway", "GET", "/cart", "502", "400 ms"]);
  });

  test("a trace has its spans, durations, self times and the error", async () => {
    await show(`${viewer.found}/traces/${sent.trace.id}`, "[data-row]");
    const names = await page.locator("[data-row] .span-name").allInnerTexts();
    const exception = "TimeoutError: the database did not answer";
    expect(names).toEqual(["GET /cart", "GET", "GET /prices/{id}", "SELECT prices", exception]);
    const times = await Promise.all([0, 1, 2, 3].map(rowTimes));
    // Each is longer than its child by what the sender gave it.
    expect(times).toEqual([
      ["400 ms", "110 ms"],
      ["290 ms", "30.0 ms"],
      ["260 ms", "60.0 ms"],
      ["200 ms", "all of it"],
    ]);
    await page.locator("[data-row]").nth(3).click();
    await page.keyboard.press("Enter");
    await page.getByText("SELECT price FROM prices WHERE id = ?").first().waitFor();
    await page.screenshot({path:"/tmp/dbg.png"}); await page.getByText("raise TimeoutError").first().waitFor();
  });

  const rowTimes = async (index: number) => {
    const row = page.locator("[data-row]").nth(index);
    const columns = await row.locator(".cell-number").allInnerTexts();
    return columns.map((column) => column.replace(/\s+/g, " ").trim());
  };

  test("ten thousand spans: few rows exist, the last is a key away", async () => {
    await show(`${viewer.found}/traces/${sent.large.id}`, "[data-row]");
    expect(await page.locator("[data-row]").count()).toBeLessThan(120);
    await page.keyboard.press("End");
    await page.getByText(`row ${sent.large.spans - 2}`, { exact: true }).first().waitFor();
  });

  test("percentiles and errors of a route are those of what was sent", async () => {
    await show(`${viewer.found}/routes?route=/list`, ".routes-list .verdict");
    const [, , , errors, ...percentiles] = await cells(".routes-list tr", "/list");
    expect(errors).toBe("10%");
    const sorted = [...sent.durations_ms].sort((one, other) => one - other);
    // The nearest rank: a duration that a request really had.
    const expected = [0.5, 0.95, 0.99].map((share) => `${sorted[Math.ceil(share * sorted.length) - 1]} ms`);
    expect(percentiles.slice(0, 3)).toEqual(expected);
  });

  test("the map has the call that was made", async () => {
    await show(`${viewer.found}/services`, "svg a");
    await page.getByText("gateway calls store").waitFor();
    expect((await cells("tr", "gateway calls store")).slice(2)).toEqual(["100%", "260 ms", "260 ms"]);
  });
});

describe("beside a server", () => {
  let server: Running;

  beforeAll(async () => {
    server = await wirespan(["serve", "slow:app", "--port", "0", "--view", "--view-port", "0"], /viewer on (\S+)/);
  });

  afterAll(() => server.stop());

  test("a request that waits is in flight, and goes when it has its answer", async () => {
    const address = await server.find(/serves slow:app .* on (\S+)/);
    await show(`${server.found}/inflight`, "main");
    const asked = fetch(`${address}/slow/one`);
    const row = page.locator(".running tbody tr").filter({ hasText: "/slow/{name}" });
    await row.waitFor();
    expect((await row.innerText()).replace(/\s+/g, " ")).toContain("await");
    await fetch(`${address}/free`);
    expect(await (await asked).text()).toBe("at last");
    await row.waitFor({ state: "detached" });
  });
});

describe("the first run", () => {
  let viewer: Running;

  beforeAll(async () => {
    viewer = await wirespan(["view", "--db", ":memory:", "--port", "0"], /viewer on (\S+)/);
  });

  afterAll(() => viewer.stop());

  test("the curl command of the page makes a row", async () => {
    await show(viewer.found, ".first-run");
    await page.getByRole("tab", { name: "curl" }).click();
    const command = await page.locator(".first-run pre").first().innerText();
    await promisify(execFile)("sh", ["-c", command]);
    await page.locator(ROWS).filter({ hasText: "/hello" }).first().waitFor();
    expect((await cells(ROWS, "/hello")).slice(1, 6)).toEqual(["curl", "GET", "/hello", "200", expect.stringMatching(/ms|s/)]);
  });
});
