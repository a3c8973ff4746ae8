/** The page on the real viewer, as newcomers meet it: with the demo, and with the curl command that the first run offers. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launch, open, violations } from "./browser.ts";
import { wirespan, type Running } from "./real/processes.ts";

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
  let address: string;

  beforeAll(async () => {
    demo = wirespan("demo", "--seconds", "0", "--view-port", "0");
    address = (await demo.says(/in a page:\s+(\S+)/))[1] ?? "";
  });

  afterAll(() => demo.end());

  test("requests come in by themselves, with their states", async () => {
    await show(address, ROWS);
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
    await show(address, ROWS);
    await page.keyboard.press("/");
    await page.keyboard.type("route:/search");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (rows) => document.querySelector(rows) && [...document.querySelectorAll(rows)].every((row) => row.textContent.includes("/search")),
      ROWS,
    );
    expect(new URL(page.url()).searchParams.get("route")).toBe("/search");
    expect(await page.locator(ROWS).count()).toBeGreaterThan(0);
  });

  test("keys lead from a request to its trace over both services", async () => {
    await show(`${address}/live?service=front&route=${encodeURIComponent("/page/{number:int}")}`, ROWS);
    for (const key of ["j", "Enter"]) await page.keyboard.press(key);
    await page.locator("[data-row]").nth(1).waitFor();
    expect(await page.locator("[data-row] .span-name").first().innerText()).toBe("GET /page/{number:int}");
    expect(await page.locator("[data-row]").filter({ hasText: "shop" }).count()).toBeGreaterThan(0);
  });

  test("Routes has a verdict, Services an edge", async () => {
    await show(`${address}/routes`, ".routes-list .verdict");
    await page.locator(".routes-list").getByText("/export").first().waitFor();
    expect(await text(".routes-list .verdict")).toMatch(/p99 is [\d.]+ m?s/);
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByText("front calls shop").waitFor();
  });

  test("In flight shows what runs", async () => {
    await show(`${address}/inflight`, ".running tbody tr");
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
        await show(address + path, ready, scheme);
        expect(await violations(page), path).toEqual([]);
        expect(faults).toEqual([]);
        if (path !== "/inflight") await page.context().close();
      }
    });
  }
});

describe("the first run", () => {
  let viewer: Running;
  let address: string;

  beforeAll(async () => {
    viewer = wirespan("view", "--db", ":memory:", "--port", "0");
    address = (await viewer.says(/viewer on (\S+)/))[1] ?? "";
  });

  afterAll(() => viewer.end());

  test("the curl command of the page makes a row", async () => {
    await show(address, ".first-run");
    await page.getByRole("tab", { name: "curl" }).click();
    const command = await page.locator(".first-run pre").first().innerText();
    await promisify(execFile)("sh", ["-c", command]);
    await page.locator(ROWS).filter({ hasText: "/hello" }).first().waitFor();
    expect((await cells(ROWS, "/hello")).slice(1, 6)).toEqual(["curl", "GET", "/hello", "200", expect.stringMatching(/ms|s/)]);
  });
});
