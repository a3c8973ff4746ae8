import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, open, serve, violations, type Served } from "./browser.ts";

let browser: Browser;
let served: Served;
let empty: Served;

beforeAll(async () => {
  [browser, served, empty] = await Promise.all([launch(), serve({ history: 800 }), serve({ history: 0 })]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
  await empty.close();
});

const traceId = () => served.api.requests.find(({ error, states }) => error && states)?.trace_id ?? "";

const STATES_OF_THE_PAGE: { name: string; path: () => string; ready: string; prepare?: (page: Page) => Promise<void> }[] = [
  { name: "Live", path: () => served.address + "/live", ready: ".live-row:nth-child(5)" },
  { name: "Live with a refused filter", path: () => served.address + "/live?status=9xx", ready: ".filter-error" },
  {
    name: "Live with suggestions",
    path: () => served.address + "/live?service=checkout",
    ready: ".chip",
    prepare: async (page) => {
      await page.keyboard.press("/");
      await page.waitForSelector(".suggestions li");
    },
  },
  {
    name: "Live with a selected error",
    path: () => served.address + "/live",
    ready: ".live-row:nth-child(5)",
    prepare: (page) => page.keyboard.press("n"),
  },
  {
    name: "the keys",
    path: () => served.address + "/live",
    ready: ".live-row:nth-child(5)",
    prepare: async (page) => {
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
    },
  },
  {
    name: "the time range",
    path: () => served.address + "/live",
    ready: ".live-row:nth-child(5)",
    prepare: (page) => page.getByRole("button", { name: /Time range/ }).click(),
  },
  { name: "In flight", path: () => served.address + "/inflight", ready: ".running" },
  { name: "In flight without servers", path: () => empty.address + "/inflight", ready: ".message" },
  { name: "Routes", path: () => served.address + "/routes", ready: ".routes-list .verdict" },
  { name: "Routes of two periods", path: () => served.address + "/routes?since=-15m&compare=previous", ready: ".change-under" },
  { name: "a route", path: () => `${served.address}/routes?open=${encodeURIComponent("checkout POST /orders")}`, ready: ".heatmap canvas" },
  { name: "Routes without requests", path: () => served.address + "/routes?service=nobody", ready: ".message .button" },
  { name: "Services", path: () => served.address + "/services", ready: ".service-map .node" },
  { name: "a service", path: () => served.address + "/services?open=checkout", ready: ".services-side .plot canvas" },
  { name: "Trace", path: () => `${served.address}/traces/${traceId()}`, ready: ".page" },
  { name: "first run", path: () => empty.address + "/", ready: ".first-run" },
  { name: "an unknown address", path: () => served.address + "/nowhere", ready: ".message" },
];

describe.each(["dark", "light"] as const)("in the %s theme", (colorScheme) => {
  test.each(STATES_OF_THE_PAGE)("$name: names, contrast and a quiet console", async ({ path, ready, prepare }) => {
    const { page, faults } = await open(browser, path(), { colorScheme });
    await page.waitForSelector(ready);
    await prepare?.(page);
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(colorScheme);
    expect(await violations(page)).toEqual([]);
    // A refused request is the test's own.
    expect(faults.filter((fault) => !fault.includes("400"))).toEqual([]);
    await page.context().close();
  });
});

test("the theme that was chosen stays, whatever the system says", async () => {
  const { page } = await open(browser, served.address, { colorScheme: "dark" });
  const shown = () => page.evaluate(() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]);
  const [, darkGround] = await shown();
  await page.getByRole("button", { name: "Light theme" }).click();
  await page.reload();
  const [theme, ground] = await shown();
  expect(theme).toBe("light");
  expect(ground).not.toBe(darkGround);
  await page.getByRole("button", { name: "Theme of the system" }).click();
  expect((await shown())[0]).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
  await page.context().close();
});

test("first run shows how to send, and goes away with the first request", async () => {
  const { page, faults } = await open(browser, empty.address + "/live", { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("heading", { name: "Send the first request" }).waitFor();
  await page.getByRole("tab", { name: "curl" }).click();
  await page.getByRole("button", { name: /^Copy/ }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("curl http://127.0.0.1:4318/v1/traces");
  empty.api.add(1, { route: "/hello" });
  await page.locator(".live-row").getByText("/hello").waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
  empty.api.requests.length = 0;
});

test("first run of a viewer with a token shows the token in the commands, and says what it is", async () => {
  empty.api.token = "s3cret";
  const { page, faults } = await open(browser, empty.address + "/live");
  await page.getByText("The commands hold this viewer's token").waitFor();
  await page.getByRole("tab", { name: "curl" }).click();
  expect(await page.getByRole("tabpanel").innerText()).toContain("Authorization: Bearer s3cret");
  expect(await violations(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.context().close();
  empty.api.token = null;
});

test("in flight: ages rise between reports, the oldest is first", async () => {
  const { page } = await open(browser, served.address + "/inflight");
  const age = page.locator(".running .age").first();
  const before = await age.innerText();
  await page.waitForFunction((old) => document.querySelector(".running .age")?.textContent !== old.replace(/\s+/g, " "), before);
  expect(await page.locator(".server-head h2").allInnerTexts()).toEqual(["catalog", "checkout", "gateway"]);
  await page.context().close();
});
