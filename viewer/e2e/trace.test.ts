import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launch, open, serve, violations, type Served } from "./browser.ts";

/** Traces of `mock/scenes.ts`. */
const scene = (name: string): string => `/traces/5ce${"0".repeat(25)}${name}`;
const FAILED = scene("fa11");
const SKEWED = scene("5ce3");
const WIDE = scene("10de");
const LARGE = `/traces/${"0".repeat(27)}10000`;
const BASE_SPAN = "0".repeat(15);

let browser: Browser;
let served: Served;
let page: Page;
let faults: string[];

const grid = () => page.getByRole("treegrid");
const names = () => page.locator("[data-row] .span-name").allInnerTexts();
const selected = () => page.locator('[role="row"][aria-selected="true"] .span-name').innerText();
const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

async function show(path: string, options: Parameters<typeof open>[2] = {}): Promise<void> {
  ({ page, faults } = await open(browser, served.address + path, options));
  await grid().waitFor();
}

beforeAll(async () => {
  [browser, served] = await Promise.all([launch(), serve({ history: 50 })]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

afterEach(() => page.context().close());

describe("what it was", () => {
  test("total, states, verdict, services and errors are told", async () => {
    await show(FAILED);
    expect(await page.locator(".trace-total").innerText()).toBe("2.14 s");
    expect((await page.locator(".trace-legend li").allInnerTexts()).map((text) => text.split(" ")[0])).toEqual(["queue", "read", "schedule", "run", "await", "write"]);
    expect(await page.locator(".trace-verdict").innerText()).toContain("Failed in POST bank (payments): ReadTimeout: timed out.");
    expect(await page.locator(".trace-verdict").innerText()).toContain("Mostly await, 92%");
    expect(await page.getByRole("list", { name: "Services" }).innerText()).toMatch(/checkout\s+3\s+payments\s+2/);
    expect(await page.locator(".trace-counts").innerText()).toContain("4 errors");
    expect(faults).toEqual([]);
  });

  test("a wrong clock, a gap, a missing parent and a late end are told, by how much", async () => {
    await show(SKEWED);
    expect(await page.locator(".remark").allInnerTexts()).toEqual(["gap", "clock −41.3 ms", "clock +12.8 ms", "outlives", "no parent"]);
    expect(await page.locator(".gap").count()).toBe(1);
    await page.getByText("clock −41.3 ms").first().waitFor();
    await page.locator("[data-row]").nth(2).click();
    expect(await page.locator(".told").count()).toBe(1);
    expect(await page.getByRole("complementary").innerText()).toContain("−41.3 ms added");
  });

  test("late spans appear by themselves, and the selection stays", async () => {
    await show(scene("1a7e"));
    await press("j");
    await page.locator("[data-row]").nth(1).waitFor();
    expect(await selected()).toBe("POST /orders");
    await page.getByText("waiting for late spans").waitFor();
  });

  test("a trace that never comes is said to be unknown only after a while", async () => {
    ({ page, faults } = await open(browser, `${served.address}/traces/${"f".repeat(32)}`));
    await page.getByRole("heading", { name: "Waiting for this trace" }).waitFor();
  });
});

describe("the tree", () => {
  test("arrows move, unfold and fold; the grid tells what is active", async () => {
    await show(FAILED);
    expect(await selected()).toBe("POST /orders");
    await press("j", "ArrowDown", "k");
    expect(await selected()).toBe("UPDATE stock");
    const active = await grid().getAttribute("aria-activedescendant");
    expect(await page.locator(`[id="${active ?? ""}"]`).getAttribute("aria-selected")).toBe("true");
    await press("ArrowLeft");
    expect(await page.locator('[aria-selected="true"]').getAttribute("aria-expanded")).toBe("false");
    await press("ArrowRight", "ArrowLeft", "ArrowLeft");
    expect(await selected()).toBe("POST /orders");
    await press("k", "End");
    expect(await selected()).toBe("audit: order 4711 failed");
  });

  test("folds by level", async () => {
    await show(FAILED);
    const count = (await names()).length;
    await press("_");
    expect(await names()).toEqual(["POST /orders", "audit: order 4711 failed"]);
    await press("+", "l");
    expect(await names()).toEqual(["POST /orders", "UPDATE stock", "POST payments"]);
    await press("*", "l");
    expect((await names()).length).toBe(count);
  });

  test("c leaves the critical path alone", async () => {
    await show(SKEWED);
    const receipt = page.locator("[data-row]").getByText("send receipt");
    await press("c");
    await receipt.waitFor({ state: "detached" });
    await page.waitForURL(/critical=1/);
    await press("Escape");
    await receipt.waitFor();
  });

  test("e goes from error to error, and unfolds what hides one", async () => {
    await show(FAILED);
    await press("_", "e");
    expect(await selected()).toBe("POST payments");
    await press("e");
    expect(await selected()).toBe("POST /charge");
    await press("E");
    expect(await selected()).toBe("POST payments");
  });
});

describe("search", () => {
  test("finds in attributes, counts, marks, and n and p go around", async () => {
    await show(WIDE);
    await press("/");
    await page.keyboard.type("price 23");
    await page.waitForURL(/find=price\+23/);
    expect(await page.locator(".trace-found").innerText()).toBe("13");
    await press("Enter", "Enter");
    expect(await page.locator(".trace-found").innerText()).toBe("2 of 13");
    expect(await selected()).toBe("SELECT price 123");
    await press("Escape", "n");
    expect(await selected()).toBe("SELECT price 223");
    await press("p", "p", "p");
    expect(await selected()).toBe("SELECT price 239");
    expect(await page.locator(".span-name mark").count()).toBeGreaterThan(0);
  });
});

describe("time", () => {
  test("dragging over the overview zooms, the address holds it, and reset shows all", async () => {
    await show(WIDE);
    const box = await page.locator(".minimap-strip").boundingBox();
    if (!box) throw new Error("no overview");
    await page.mouse.move(box.x + box.width * 0.25, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 12, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/zoom=\d+-\d+/);
    const [from = 0, to = 0] = (new URL(page.url()).searchParams.get("zoom") ?? "").split("-").map(Number);
    expect(from / 900e6).toBeCloseTo(0.25, 1);
    expect(to / 900e6).toBeCloseTo(0.5, 1);
    expect(await page.locator(".elsewhere").count()).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Reset zoom" }).click();
    await page.waitForURL((url) => !url.searchParams.has("zoom"));
  });

  test("the edges of what is shown move with arrow keys", async () => {
    await show(WIDE);
    const start = page.getByRole("slider", { name: "Start of what is shown" });
    await start.focus();
    await press("ArrowRight");
    expect(await start.getAttribute("aria-valuetext")).toBe("9.00 ms");
  });
});

test("a shared address shows the same view", async () => {
  await show(FAILED);
  await press("j", "Enter", "Enter", "z");
  await page.waitForURL(/detail=1.*zoom=/);
  const address = page.url().slice(served.address.length);
  const [name, rows] = [await selected(), await names()];
  const panel = await page.getByRole("complementary").innerText();
  await page.context().close();
  await show(address);
  expect(await selected()).toBe(name);
  expect(await names()).toEqual(rows);
  expect(await page.getByRole("complementary").innerText()).toBe(panel);
});

describe("the panel", () => {
  const panel = () => page.getByRole("complementary", { name: "Details" });
  const boxOf = async (selector: string) => (await page.locator(selector).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };

  test("of a short trace is open below its rows, with all the room there is", async () => {
    await show(scene("5a11"));
    const [rows, detail] = [await boxOf(".waterfall-wrap"), await boxOf(".detail")];
    expect(detail.y).toBeGreaterThanOrEqual(rows.y + rows.height - 1);
    expect(detail.width).toBe(rows.width);
    expect(Math.round(detail.y + detail.height)).toBe(900);
    expect(await panel().getByRole("heading", { name: "GET /health" }).count()).toBe(1);
  });

  test("of a long trace is beside them; in a narrow window it waits to be asked for", async () => {
    await show(WIDE);
    const [rows, detail] = [await boxOf(".waterfall-wrap"), await boxOf(".detail")];
    expect(detail.x).toBeGreaterThanOrEqual(rows.x + rows.width - 1);
    await page.setViewportSize({ width: 1000, height: 800 });
    await panel().waitFor({ state: "detached" });
    await press("Enter");
    await panel().waitFor();
  });

  test("closed, it stays closed, also for who gets the address", async () => {
    await show(WIDE);
    await press("Escape");
    await panel().waitFor({ state: "detached" });
    await page.waitForURL(/detail=0/);
    await page.reload();
    await grid().waitFor();
    expect(await panel().count()).toBe(0);
  });
});

describe("details", () => {
  test("attributes are searched and lead to requests with the same", async () => {
    await show(`${FAILED}?span=${BASE_SPAN}1&detail=1`);
    const panel = page.getByRole("complementary");
    await panel.getByRole("searchbox", { name: "Search in attributes" }).fill("plan");
    expect(await panel.locator(".attributes").first().locator("dt").allInnerTexts()).toEqual(["user.plan"]);
    await panel.getByRole("link", { name: "Requests with this user.plan" }).click();
    await page.waitForURL(/\/live\?attr=user\.plan%3Dpro/);
    await page.goBack();
    await panel.getByRole("link", { name: /00000001$/ }).click();
    await page.waitForURL(/5a11\?span=/);
    await page.getByRole("heading", { level: 1, name: "GET /health" }).waitFor();
    expect(faults).toEqual([]);
  });

  test("the stack trace of an error is laid out, and copied as it came", async () => {
    await show(`${FAILED}?span=${BASE_SPAN}1&detail=1`, { permissions: ["clipboard-read", "clipboard-write"] });
    expect(await page.locator(".stack-library").count()).toBe(4);
    await page.getByRole("button", { name: "Copy the stack trace" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("PaymentUnavailable: order 4711 was not charged");
    await page.getByRole("button", { name: "Export" }).click();
    await page.getByRole("button", { name: "Copy as OTLP" }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith("{"));
    expect(await page.getByRole("link", { name: "Download as HAR" }).getAttribute("href")).toContain("format=har");
  });
});

test("ten thousand spans: few rows exist, keys and scrolling reach the last", async () => {
  await show(LARGE);
  expect(await grid().getAttribute("aria-rowcount")).toBe("10001");
  await press("End");
  expect(await page.locator('[aria-selected="true"]').getAttribute("aria-rowindex")).toBe("10001");
  expect(await page.locator("[data-row]").count()).toBeLessThan(90);
  await grid().evaluate((box) => box.scrollTo(0, box.scrollHeight / 2));
  await page.locator('[aria-rowindex="5000"]').waitFor();
  expect(faults).toEqual([]);
});

test("a held key writes the address once in a while: browsers refuse more", async () => {
  await show(LARGE);
  for (let count = 0; count < 300; count++) await page.evaluate(() => window.dispatchEvent(new KeyboardEvent("keydown", { key: "j" })));
  await page.waitForURL(/span=/);
  expect(await page.locator('[aria-selected="true"]').getAttribute("aria-rowindex")).toBe("302");
  expect(faults).toEqual([]);
});

describe.each(["dark", "light"] as const)("in the %s theme", (colorScheme) => {
  test.each([
    ["an error with its details", `${FAILED}?span=${BASE_SPAN}1&detail=1`],
    ["wrong clocks", `${SKEWED}?span=${BASE_SPAN}3&detail=1`],
    ["a search in a part of the time", `${WIDE}?find=price+1&zoom=100000000-400000000`],
    ["many levels", scene("dee9")],
    ["one span", scene("5a11")],
    ["ten thousand spans", LARGE],
  ])("%s: names, contrast and a quiet console", async (_name, path) => {
    await show(path, { colorScheme });
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
