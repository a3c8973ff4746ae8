import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launch, open, serve, type Served } from "./browser.ts";

let browser: Browser;
let served: Served;
let page: Page;
let faults: string[];

const rows = () => page.locator(".live-row:not(.live-head)");
const firstRoute = () => rows().first().locator(".route a").innerText();
const selectedSeq = () => page.locator('[aria-selected="true"][role="row"]').getAttribute("aria-rowindex");
const chips = () => page.locator(".chip").allInnerTexts();

async function show(path = "/live"): Promise<void> {
  ({ page, faults } = await open(browser, served.address + path));
  await page.waitForSelector(".live-row:not(.live-head), .message");
}

/** Adds a request whose route names it, and waits until it is the first row. */
async function arrive(route: string): Promise<void> {
  served.api.add(1, { route });
  await rows().first().getByText(route, { exact: true }).waitFor();
}

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

beforeEach(async () => {
  served = await serve({ history: 600 });
});

afterEach(async () => {
  await page.context().close();
  await served.close();
});

describe("the list", () => {
  test("a request that finishes is the first row at once", async () => {
    await show();
    await arrive("/one");
    await arrive("/two");
    expect(await rows().nth(1).locator(".route a").innerText()).toBe("/one");
    expect(faults).toEqual([]);
  });

  test("a row tells what the request was", async () => {
    await show();
    served.api.add(1, {
      service: "shop",
      method: "PATCH",
      route: "/things/{id}",
      path: "/things/7",
      status: 503,
      error: true,
      duration_ns: 1_240_000_000,
      end_reason: "handler_timeout",
      states: { queue: 0, read: 0, schedule: 0, run: 240_000_000, await: 1_000_000_000, write: 0 },
    });
    const row = rows().first();
    await row.getByText("/things/{id}").waitFor();
    const cells = (await row.getByRole("gridcell").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
    expect(cells.slice(1)).toEqual(["shop", "PATCH", "/things/{id} /things/7", "503", "1.24 s", "", "handler timeout"]);
    expect(await row.getByRole("img").getAttribute("aria-label")).toBe("1.24 s: await 81%, run 19%");
  });

  test("scrolling to the end brings older requests", async () => {
    await show();
    expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe("200");
    await page.locator(".virtual-list").evaluate((box) => {
      box.scrollTop = box.scrollHeight;
    });
    await page.locator('.virtual-list[aria-rowcount="400"]').waitFor();
    expect(faults).toEqual([]);
  });

  test("thousands a second: few rows exist, none is lost, and the page answers", async () => {
    await show();
    for (let batch = 0; batch < 40; batch++) {
      served.api.add(250);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await arrive("/last");
    expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe(String(200 + 40 * 250 + 1));
    expect(await rows().count()).toBeLessThan(80);
    expect(faults).toEqual([]);
  });

  test("drawing over the strip of activity chooses that time", async () => {
    await show();
    const strip = page.getByRole("img", { name: /^Requests over time: 600/ });
    await strip.waitFor();
    const box = await strip.boundingBox();
    if (!box) throw new Error("the strip has no place");
    await page.mouse.move(box.x + box.width * 0.25, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 10, { steps: 3 });
    await page.mouse.up();
    await page.waitForURL(/since=\d{13}&until=\d{13}/);
    const range = new URL(page.url()).searchParams;
    const minutes = (Number(range.get("until")) - Number(range.get("since"))) / 60_000;
    expect(Math.round(minutes)).toBe(16);
  });

  test("clear empties it, what is new shows, and what is stored can be had back", async () => {
    await show();
    await page.getByRole("button", { name: "Clear the list" }).click();
    await page.getByText("600 are still stored").waitFor();
    await arrive("/fresh");
    expect(await rows().count()).toBe(1);
    await page.keyboard.press("x");
    await page.getByRole("button", { name: "Show them again" }).click();
    await rows().nth(10).waitFor();
    expect(await firstRoute()).toBe("/fresh");
  });
});

describe("holding still", () => {
  test("pause holds the list, and says how many wait", async () => {
    await show();
    const before = await firstRoute();
    await page.keyboard.press("Space");
    served.api.add(3, { route: "/later" });
    await page.getByText("3 new").click();
    await rows().first().getByText("/later").waitFor();
    expect(before).not.toBe("/later");
    expect(await page.getByRole("button", { name: "Pause" }).getAttribute("aria-pressed")).toBe("false");
  });

  test("a selected row stays where it is while others arrive", async () => {
    await show();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const before = await page.locator(".live-row.selected .time").innerText();
    served.api.add(5);
    await page.getByText("5 new").waitFor();
    expect(await page.locator(".live-row.selected .time").innerText()).toBe(before);
    expect(await selectedSeq()).toBe("2");
    await page.keyboard.press("Escape");
    await page.getByText("5 new").waitFor({ state: "detached" });
    expect(await page.locator(".live-row.selected").count()).toBe(0);
  });
});

describe("filters", () => {
  test("typing one makes a chip, an address that can be shared, and a shorter list", async () => {
    await show();
    await page.keyboard.press("/");
    await page.keyboard.type("service:checkout");
    await page.keyboard.press("Enter");
    await page.waitForURL(/service=checkout/);
    await page.keyboard.type(">100ms");
    await page.keyboard.press("Enter");
    await page.waitForURL(/min_ms=100/);
    expect(await chips()).toEqual(["service checkout", "duration > 100 ms"]);
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".live-row:not(.live-head) .service")].every((cell) => cell.textContent === "checkout"),
    );
    served.api.add(1, { service: "catalog", route: "/hidden", duration_ns: 5e9 });
    served.api.add(1, { service: "checkout", route: "/shown", duration_ns: 5e9 });
    await rows().first().getByText("/shown").waitFor();
    expect(await page.getByText("/hidden").count()).toBe(0);
    const shared = await open(browser, page.url());
    await shared.page.getByText("/shown").waitFor();
    await shared.page.context().close();
    expect(faults).toEqual([]);
  });

  test("back takes the last filter away again", async () => {
    await show();
    await page.keyboard.press("/");
    await page.keyboard.type("status:error");
    await page.keyboard.press("Enter");
    await page.locator(".chip").waitFor();
    await page.goBack();
    await page.locator(".chip").waitFor({ state: "detached" });
    expect(new URL(page.url()).search).toBe("");
  });

  test("suggestions hold what is stored, and keys choose among them", async () => {
    await show();
    await page.keyboard.press("/");
    await page.keyboard.type("service:c");
    await page.getByRole("option", { name: "service:checkout" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/service=/);
    await page.keyboard.type("user.pl");
    await page.getByRole("option", { name: /user\.plan=/ }).waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("option", { name: "user.plan=pro" }).click();
    await page.waitForURL(/attr=user\.plan%3Dpro/);
    expect(faults).toEqual([]);
  });

  test("Backspace takes the last chip back into the field", async () => {
    await show("/live?service=checkout&min_ms=20");
    await page.keyboard.press("/");
    await page.keyboard.press("Backspace");
    expect(await page.getByRole("combobox").inputValue()).toBe(">20ms");
    expect(await chips()).toEqual(["service checkout"]);
  });

  test("a filter that the viewer refuses is explained where it was made", async () => {
    await show("/live?status=9xx");
    await page.getByRole("alert").getByText("status is a number such as 404").waitFor();
    expect(await page.locator(".chip.wrong").innerText()).toContain("9xx");
    await page.getByRole("button", { name: "Remove the filter status 9xx" }).click();
    await rows().first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("they go along to the other pages", async () => {
    await show("/live?service=checkout&since=-1h");
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(/\/routes\?service=checkout&since=-1h/);
  });
});

describe("a search that is answered in parts", () => {
  const state = () => page.locator(".search-state");
  const count = () => page.locator(".virtual-list.live").getAttribute("aria-rowcount");

  test("goes on over parts without a match until the beginning, and finds what is there", async () => {
    served.api.requests.slice(0, 3).forEach((request) => (request.path = "/needle"));
    served.api.searched = 40;
    await show("/live?text=needle");
    await page.locator('.virtual-list.live[aria-rowcount="3"]').waitFor();
    await state().waitFor({ state: "detached" });
    await arriveNeedle();
    expect(await count()).toBe("4");
    expect(faults).toEqual([]);
  });

  test("tells how far it has come, stops, and goes on from there", async () => {
    served.api.requests.slice(0, 3).forEach((request) => (request.path = "/needle"));
    served.api.searched = 1;
    await show("/live?text=needle");
    await page.getByText(/searched back to \d\d:\d\d/).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Search stopped").waitFor();
    await page.getByText("No request found yet").waitFor();
    served.api.searched = 300;
    await page.getByRole("button", { name: "Search on" }).click();
    await page.locator('.virtual-list.live[aria-rowcount="3"]').waitFor();
    await state().waitFor({ state: "detached" });
  });

  test("stops by itself with a full page; scrolling brings the next", async () => {
    served.api.requests.forEach((request) => (request.path = "/needle"));
    served.api.searched = 50;
    await show("/live?text=needle");
    await page.locator('.virtual-list.live[aria-rowcount="250"]').waitFor();
    await state().waitFor({ state: "detached" });
    await page.locator(".virtual-list").evaluate((box) => {
      box.scrollTop = box.scrollHeight;
    });
    await page.locator('.virtual-list.live[aria-rowcount="450"]').waitFor();
  });

  async function arriveNeedle(): Promise<void> {
    served.api.add(1, { path: "/needle", route: "/found/late" });
    await rows().first().getByText("/found/late").waitFor();
  }
});

describe("keys", () => {
  test("n and p go from error to error", async () => {
    served.api.add(3, { error: false, status: 200 });
    served.api.add(1, { error: true, status: 500, route: "/second" });
    served.api.add(2, { error: false, status: 200 });
    served.api.add(1, { error: true, status: 500, route: "/first" });
    served.api.add(1, { error: false, status: 200 });
    await show();
    const selected = () => page.locator(".live-row.selected .route a").innerText();
    await page.keyboard.press("n");
    expect(await selected()).toBe("/first");
    await page.keyboard.press("n");
    expect(await selected()).toBe("/second");
    await page.keyboard.press("p");
    expect(await selected()).toBe("/first");
  });

  test("Enter opens the trace, and back finds the row again", async () => {
    await show();
    for (let press = 0; press < 40; press++) await page.keyboard.press("j");
    const at = await page.locator(".live-row.selected .time").innerText();
    expect(await page.locator(".live-row.selected").evaluate((row) => row.getBoundingClientRect().bottom)).toBeLessThan(901);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/traces\/[0-9a-f]{32}\?span=/);
    await page.goBack();
    await page.locator(".live-row.selected").waitFor();
    expect(await page.locator(".live-row.selected .time").innerText()).toBe(at);
  });

  test("? lists them, Esc closes the list", async () => {
    await show();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keys" });
    await dialog.getByText("next error").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });

  test("letters typed into the filter are text", async () => {
    await show();
    await page.keyboard.press("/");
    await page.keyboard.type("gljnx?");
    expect(await page.getByRole("combobox").inputValue()).toBe("gljnx?");
    expect(await page.locator(".live-row.selected").count()).toBe(0);
  });
});

describe("a viewer that stops", () => {
  test("before anything is shown: the page says so, and begins when it is there", async () => {
    served.api.isDown = true;
    await show();
    await page.getByRole("heading", { name: "The viewer does not answer" }).waitFor();
    served.api.isDown = false;
    await rows().first().waitFor();
  });

  test("is told, and when it is back the list goes on without a hole", async () => {
    await show();
    await arrive("/before");
    served.api.isDown = true;
    await page.getByText("The viewer does not answer").waitFor();
    served.api.add(4, { route: "/meanwhile" });
    served.api.isDown = false;
    await page.getByText("The viewer does not answer").waitFor({ state: "detached" });
    await rows().nth(4).getByText("/before").waitFor();
    expect(await rows().nth(3).locator(".route a").innerText()).toBe("/meanwhile");
    await arrive("/after");
  });
});
