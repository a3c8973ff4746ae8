import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launch, open, serve, type Served } from "./browser.ts";

let browser: Browser;
let served: Served;
let page: Page;
let faults: string[];

const KEY = "checkout POST /orders";
const search = () => new URL(page.url()).searchParams;

async function show(path: string, ready: string): Promise<void> {
  ({ page, faults } = await open(browser, served.address + path));
  await page.waitForSelector(ready);
}

beforeAll(async () => {
  [browser, served] = await Promise.all([launch(), serve({ history: 1500 })]);
});

afterAll(async () => {
  await browser.close();
  await served.close();
});

afterEach(async () => {
  expect(faults).toEqual([]);
  await page.context().close();
});

describe("Routes", () => {
  test("a head sorts, the order is in the address", async () => {
    await show("/routes", ".routes-list .verdict");
    await page.getByRole("button", { name: "Route", exact: true }).click();
    expect(search().get("sort")).toBe("route");
    const titles = await page.locator(".route-link").allInnerTexts();
    expect(titles).toEqual([...titles].sort((one, other) => one.localeCompare(other)));
    expect(titles).toHaveLength(9);
  });

  test("keys walk the rows, Enter opens one, Escape goes back", async () => {
    await show("/routes", ".routes-list .verdict");
    for (const key of ["j", "j", "k", "Enter"]) await page.keyboard.press(key);
    await page.locator(".heatmap canvas").waitFor();
    expect(search().get("open")).toBeTruthy();
    await page.keyboard.press("Escape");
    await page.locator(".routes-list").waitFor();
    expect(search().has("open")).toBe(false);
  });

  test("the focus goes with the keys: to the open route, and back to its line", async () => {
    await show("/routes", ".routes-list .verdict");
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const route = await focused();
    await page.keyboard.press("Enter");
    await page.locator(".route-detail").waitFor();
    expect(await focused()).toBe(route);
    await page.keyboard.press("Escape");
    await page.locator(".routes-list .verdict").first().waitFor();
    expect(await focused()).toBe(route);
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("route-link");
  });

  test("the verdict says p99, its states, and what grew", async () => {
    await show(`/routes?open=${encodeURIComponent("checkout GET /cart/{user}")}`, ".route-verdict .change");
    const text = await page.locator(".route-verdict").innerText();
    expect(text.replace(/\s+/g, " ")).toMatch(/p99 is [\d.]+ m?s queue \d+% .*queue grew 9.0x since \d\d:\d\d/);
  });

  test("a cell of the heat map opens exactly its requests, also with the keys", async () => {
    await show(`/routes?open=${encodeURIComponent(KEY)}`, ".heatmap canvas");
    await page.locator(".heatmap-box").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowRight");
    const count = Number(/^[\d,]+/.exec(await page.locator(".cell-note b").innerText())?.[0]);
    expect(count).toBeGreaterThan(0);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".live-row:not(.live-head)");
    expect(new URL(page.url()).pathname).toBe("/live");
    expect(Object.fromEntries(search())).toMatchObject({ service: "checkout", method: "POST", route: "/orders" });
    expect([...search().keys()]).toEqual(expect.arrayContaining(["since", "until", "min_ms", "max_ms"]));
    expect(await page.locator(".live-row:not(.live-head)").count()).toBe(count);
  });

  test("two periods: chosen in the picker, told in factors", async () => {
    await show("/routes", ".routes-list .verdict");
    await page.getByRole("button", { name: /Compare with/ }).click();
    await page.getByRole("button", { name: "The time just before" }).click();
    await page.locator(".change-under").first().waitFor();
    expect(Object.fromEntries(search())).toEqual({ compare: "previous", since: "-15m" });
    expect((await page.locator(".verdict").allInnerTexts()).join()).toMatch(/p99 .*was /);
  });

  test("two periods: a route that was not there before is new", async () => {
    served.api.add(3, { service: "shop", method: "GET", route: "/brand-new" });
    await show("/routes?since=-15m&compare=previous&find=brand-new", ".routes-list .change-under");
    expect(await page.locator(".routes-list .change-under").first().innerText()).toBe("new");
    expect(await page.locator(".routes-list .verdict").innerText()).toContain("No requests in the period");
  });

  test("two periods: a route that has no requests any more is gone, after the others, and leads to those of then", async () => {
    served.api.add(3, { service: "shop", method: "GET", route: "/retired", start_us: (Date.now() - 20 * 60_000) * 1000 });
    await show("/routes?since=-15m&compare=previous", ".routes-list .change-under");
    expect(await page.locator(".route-link").last().innerText()).toBe("GET /retired");
    const row = page.locator(".routes-list tbody").last();
    expect(await row.locator(".change-under").allInnerTexts()).toContain("gone");
    expect(await row.locator(".verdict").innerText()).toMatch(/^Gone: .* 3 before, p99 was /);
    expect(await page.locator(".live-rate").innerText()).toMatch(/, 1 gone$/);
    await page.locator(".route-link").last().click();
    await page.getByRole("link", { name: "Its requests then" }).click();
    await page.waitForSelector(".live-row:nth-child(3)");
    expect(await page.locator(".live-row:not(.live-head) .route").allInnerTexts()).toHaveLength(3);
  });

  test("f finds routes by words, the text is in the address, Escape clears it", async () => {
    await show("/routes", ".routes-list .verdict");
    const all = await page.locator(".route-link").count();
    await page.keyboard.press("f");
    await page.keyboard.type("post ord");
    await page.getByText(`1 of ${all}`).waitFor();
    expect(await page.locator(".route-link").allInnerTexts()).toEqual(["POST /orders"]);
    expect(search().get("find")).toBe("post ord");
    await page.keyboard.press("Escape");
    expect(await page.locator(".route-link").count()).toBe(all);
    expect(search().has("find")).toBe(false);
  });

  test("total time sorts", async () => {
    await show("/routes?sort=-total", ".routes-list .verdict");
    const first = await page.locator(".route-link").first().innerText();
    await page.getByRole("button", { name: "Total time" }).click();
    expect(await page.locator(".route-link").last().innerText()).toBe(first);
  });

  test("nothing that matches: says so and offers the way out", async () => {
    await show("/routes?service=nobody", ".message");
    await page.getByRole("button", { name: "Remove the filters" }).click();
    await page.locator(".routes-list .verdict").first().waitFor();
  });
});

describe("a service that does not tell its states", () => {
  test("one honest line in the place of six empty columns", async () => {
    await show("/routes", ".routes-list .verdict");
    await page.route("**/api/routes?*", async (route) => {
      const answer = await route.fetch();
      const table = (await answer.json()) as { routes: { states: unknown }[] };
      await route.fulfill({ response: answer, json: { ...table, routes: table.routes.map((row) => ({ ...row, states: null })) } });
    });
    await page.goto(`${served.address}/routes?open=${encodeURIComponent(KEY)}`);
    await page.getByText("checkout does not tell where its time goes").waitFor();
    expect(await page.locator(".percentile-table thead th").allInnerTexts()).toEqual(["At", "Time", "Total"]);
  });
});

describe.each([
  { name: "Routes", path: "/routes", ready: ".routes-list .verdict", asked: "**/api/routes?*" },
  { name: "Services", path: "/services", ready: ".service-map .node", asked: "**/api/services*" },
])("$name that cannot be asked for again", ({ path, ready, asked }) => {
  test.each([1440, 420])("%i px: what is shown stays, and says since when", async (width) => {
    await show(path, ready);
    await page.setViewportSize({ width, height: 800 });
    await page.route(asked, (route) => route.abort());
    const pill = page.getByRole("status").filter({ hasText: /The viewer does not answer; this is from \d\d:\d\d:\d\d\./ });
    await pill.waitFor();
    expect(await page.locator(ready).count()).toBeGreaterThan(0);
    const box = await pill.boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= width).toBe(true);
    await page.unroute(asked);
    await page.getByRole("button", { name: "Try again" }).click();
    await pill.waitFor({ state: "hidden" });
    faults = faults.filter((fault) => !fault.includes("ERR_FAILED"));
  });
});

describe("Services", () => {
  test("the map and the table tell the same", async () => {
    await show("/services", ".service-map .node");
    const nodes = await page.locator(".service-map .node").count();
    expect(await page.getByRole("table", { name: "Services", exact: true }).locator("tbody").count()).toBe(nodes);
    const edges = await page.locator(".service-map .edge").count();
    expect(await page.getByRole("table", { name: "Calls between services" }).locator("tbody tr").count()).toBe(edges);
    expect(await page.getByRole("link", { name: /^checkout calls payments: .* failed/ }).count()).toBe(1);
  });

  test("a service opens beside the map, with its metrics and the way to its routes", async () => {
    await show("/services", ".service-map .node");
    await page.getByRole("link", { name: /^checkout [\d.]+\/min/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "checkout" }).waitFor();
    await page.locator(".services-side .plot canvas").first().waitFor();
    await page.getByRole("link", { name: "Its routes" }).click();
    await page.locator(".routes-list .verdict").first().waitFor();
    expect(search().get("service")).toBe("checkout");
  });
});
