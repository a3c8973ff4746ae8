/** The page against the real viewer: numbers on it against the spans that the official OpenTelemetry SDK sent. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { formatDuration } from "../src/units.ts";
import { launch, open, violations } from "./browser.ts";
import { sendAll, wirespan, type Running, type Sent } from "./real/processes.ts";

const ORDER = "POST /orders/{id}";

let browser: Browser;
let viewer: Running;
let address: string;
let sent: Sent[];
let page: Page;
let faults: string[];

const rows = () => page.locator(".live-row:not(.live-head)");
const squeezed = (text: string) => text.replace(/\s+/g, " ").trim();
const search = () => new URL(page.url()).searchParams;
const orders = () => sent.filter(({ name }) => name === ORDER);
const duration = ({ start_ns, end_ns }: Sent) => end_ns - start_ns;
const spanNamed = (name: string): Sent => {
  const found = sent.find((span) => span.name === name);
  if (!found) throw new Error(`nothing named ${name} was sent`);
  return found;
};

/** The nearest rank, as the viewer's documentation defines percentiles. */
function percentile(spans: Sent[], share: number): number {
  const sorted = spans.map(duration).sort((one, other) => one - other);
  return sorted[Math.ceil(share * sorted.length - 1e-9) - 1] ?? NaN;
}

async function show(path: string, ready: string, options: Parameters<typeof open>[2] = {}): Promise<void> {
  ({ page, faults } = await open(browser, address + path, options));
  await page.waitForSelector(ready);
}

beforeAll(async () => {
  viewer = wirespan("view", "--db", ":memory:", "--port", "0");
  [browser, address] = await Promise.all([launch(), viewer.says(/viewer on (\S+)/).then((found) => found[1] ?? "")]);
  sent = await sendAll(address);
});

afterAll(async () => {
  await browser.close();
  expect(await viewer.end()).toBe(0);
});

afterEach(async () => {
  expect(faults).toEqual([]);
  await page.context().close();
});

test("the fixture is what the numbers need", async () => {
  await show("/live", ".live-row");
  expect(sent).toHaveLength(10_000 + 300 + 3);
  expect(orders().filter(({ error }) => error)).toHaveLength(5);
});

describe("Live", () => {
  test("a row is the request that was sent", async () => {
    await show("/live?attr=url.path%3D%2Forders%2F40", ".live-row:not(.live-head)");
    expect(await rows().count()).toBe(1);
    const text = squeezed(await rows().innerText());
    expect(text).toContain("orders POST /orders/{id} /orders/40 500 40.0 ms");
    await rows().locator(".state-bar").hover();
    const tooltip = squeezed(await page.locator(".tooltip").innerText());
    expect(tooltip).toMatch(/run 10\.0 ms 25%/);
    expect(tooltip).toMatch(/await 30\.0 ms 75%/);
  });

  test("filters leave exactly what fits", async () => {
    const long = orders().filter((span) => duration(span) >= 80e6 && span.error);
    await show("/live?service=orders&route=%2Forders%2F%7Bid%7D&status=error&min_ms=80", ".live-row:not(.live-head)");
    expect(await rows().count()).toBe(long.length);
    await page.getByRole("button", { name: /^Remove .*status/ }).click();
    await page.waitForFunction((count) => document.querySelectorAll(".live-row:not(.live-head)").length === count, 21);
  });

  test("a request that ends appears at the top, without a reload", async () => {
    await show("/live?route=%2Fjust-now", ".message");
    await sendOne("/just-now");
    await rows().first().getByText("/just-now", { exact: true }).waitFor();
    expect(squeezed(await rows().first().innerText())).toContain("GET /just-now 200 7.00 ms");
  });

  test("keys select and open a request; browser's back returns", async () => {
    await show("/live?service=orders&route=%2Forders%2F%7Bid%7D", ".live-row:not(.live-head)");
    await page.keyboard.press("n");
    const path = await page.locator(".live-row.selected .path").innerText();
    expect(path).toBe("/orders/100");
    await page.keyboard.press("Enter");
    await page.getByRole("treegrid").waitFor();
    expect(await page.locator("[data-row]").count()).toBe(3);
    await page.goBack();
    await rows().first().waitFor();
  });
});

/** One more request, as anything that speaks OTLP sends it. */
async function sendOne(route: string): Promise<void> {
  const end = BigInt(Date.now()) * 1_000_000n;
  const attribute = (key: string, value: object) => ({ key, value });
  const span = {
    traceId: crypto.randomUUID().replaceAll("-", ""),
    spanId: crypto.randomUUID().replaceAll("-", "").slice(0, 16),
    name: `GET ${route}`,
    kind: 2,
    startTimeUnixNano: String(end - 7_000_000n),
    endTimeUnixNano: String(end),
    attributes: [
      attribute("http.request.method", { stringValue: "GET" }),
      attribute("http.route", { stringValue: route }),
      attribute("http.response.status_code", { intValue: "200" }),
    ],
  };
  const resource = { attributes: [attribute("service.name", { stringValue: "late" })] };
  const answer = await fetch(`${address}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
  });
  expect(answer.status).toBe(200);
}

describe("Trace", () => {
  test("durations and self times are those of the spans", async () => {
    const root = spanNamed("PUT /pay");
    await show(`/traces/${root.trace_id}`, "[data-row]");
    expect(await page.locator(".trace-total").innerText()).toBe(formatDuration(duration(root)));
    const cells = await page.locator("[data-row]").evaluateAll((shown) =>
      shown.map((row) => [".span-name", ".cell-number:not(.cell-self)", ".cell-self"].map((part) => row.querySelector(part)?.textContent ?? "")),
    );
    // The children cover 10 to 90 ms, with an overlap.
    expect(cells.slice(0, 3).map((row) => row.map((text) => text.replace(/\s+/g, " ").trim()))).toEqual([
      ["PUT /pay", "100 ms", "20.0 ms"],
      ["SELECT card", "50.0 ms", "all of it"],
      ["POST bank", "50.0 ms", "all of it"],
    ]);
  });

  test("the stack trace, the link and the log record of the SDK are there", async () => {
    const root = spanNamed("PUT /pay");
    await show(`/traces/${root.trace_id}?span=${root.span_id}&detail=1`, ".detail-failure");
    const panel = page.getByRole("complementary");
    const text = await panel.innerText();
    expect(text).toContain("RuntimeError");
    expect(text).toContain("no money left");
    expect(text).toContain("send.py");
    await page.getByText("the bank said no").first().waitFor();
    await panel.getByRole("link", { name: new RegExp(`${spanNamed("nightly job").span_id.slice(-8)}$`) }).click();
    await page.getByRole("heading", { level: 1, name: "nightly job" }).waitFor();
  });

  test("two services and their call are one trace", async () => {
    const call = orders()[41];
    await show(`/traces/${call?.trace_id ?? ""}`, "[data-row]");
    expect(await page.locator("[data-row] .span-name").allInnerTexts()).toEqual(["GET /cart", "POST", ORDER]);
    expect(squeezed(await page.getByRole("list", { name: "Services" }).innerText())).toBe("gateway 2 orders 1");
  });

  test("ten thousand spans: the page opens, the last is reached, and frames keep coming while it scrolls", async () => {
    const job = spanNamed("nightly job");
    await show(`/traces/${job.trace_id}`, "[data-row]");
    const grid = page.getByRole("treegrid");
    // The head is a row, too.
    expect(await grid.getAttribute("aria-rowcount")).toBe("10001");
    await page.keyboard.press("End");
    expect(await page.locator('[aria-selected="true"] .span-name').innerText()).toBe("step 97");
    expect(await page.locator('[aria-selected="true"]').getAttribute("aria-rowindex")).toBe("10001");
    const frames = await grid.evaluate(scrollThrough);
    if (process.env.FRAMES) process.stdout.write(describeFrames(frames));
    expect(frames.length).toBe(120);
  });
});

/** Scrolls down in 120 frames, and says how long each took in ms. Runs in the page. */
async function scrollThrough(box: Element): Promise<number[]> {
  const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
  const times: number[] = [];
  box.scrollTo(0, 0);
  let before = await frame();
  for (let step = 1; step <= 120; step++) {
    box.scrollTo(0, (box.scrollHeight * step) / 120);
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  return times;
}

function describeFrames(times: number[]): string {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `frames of ${sorted.length}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms\n`;
}

describe("Routes", () => {
  test("counts, errors and percentiles are those of the spans", async () => {
    await show("/routes?service=orders&method=POST", ".routes-list .verdict");
    const text = squeezed(await page.locator(".routes-list tbody").first().innerText());
    for (const share of [0.5, 0.95, 0.99]) expect(text).toContain(formatDuration(percentile(orders(), share)));
    expect(text).toContain("5%");
    expect(text).toContain("await 75%");
  });

  test("the states at each percentile are the shares that were sent", async () => {
    await show(`/routes?open=${encodeURIComponent(`orders ${ORDER}`)}`, ".percentile-table");
    const lines = await page.locator(".percentile-table tbody tr").allInnerTexts();
    const expected = [0.5, 0.95, 0.99].map((share) => {
      const total = percentile(orders(), share);
      return `${formatDuration(total)} 0 0 0 ${formatDuration(total / 4)} ${formatDuration((total * 3) / 4)} 0`;
    });
    expect(lines.map((line) => squeezed(line).replace(/^p\d+ /, ""))).toEqual(expected);
  });
});

test("Services: the edge is the hundred calls", async () => {
  await show("/services", ".service-map .node");
  const calls = page.getByRole("table", { name: "Calls between services" }).locator("tbody tr");
  expect(await calls.count()).toBe(1);
  const text = squeezed(await calls.innerText());
  expect(text).toContain("gateway calls orders");
  expect(text).toContain("5%");
  expect(text).toContain(`${formatDuration(percentile(orders(), 0.5))} ${formatDuration(percentile(orders(), 0.95))}`);
  await page.getByRole("link", { name: /^orders [\d.]+\// }).first().click();
  await page.getByRole("heading", { name: "orders" }).waitFor();
  await page.getByText("too few values yet").first().waitFor();
  await page.locator(".services-side .plot canvas").waitFor();
  expect(search().get("open")).toBe("orders");
});

test("keys do nothing behind an open dialog", async () => {
  await show("/live", ".live-row:not(.live-head)");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  for (const key of ["j", "Enter", "g", "r"]) await page.keyboard.press(key);
  expect(new URL(page.url()).pathname).toBe("/live");
  expect(await page.locator(".live-row.selected").count()).toBe(0);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { state: "detached" });
});

test("In flight: a request that waits is shown until it ends, then it is on Live", async () => {
  const server = wirespan("serve", "slow:app", "--port", "0", "--view", "--view-port", new URL(address).port, "--service-name", "slowly");
  const url = (await server.says(/serves .* on (http:\S+)/))[1] ?? "";
  await show("/inflight", ".page");
  const answer = fetch(`${url}/wait/for-it`);
  const row = page.locator(".running tbody tr");
  await row.waitFor();
  const text = squeezed(await row.innerText());
  expect(text).toContain("await");
  expect(text).toContain("GET /wait/{name} /wait/for-it");
  await fetch(`${url}/release`);
  expect((await answer).status).toBe(200);
  await row.waitFor({ state: "detached" });
  await page.goto(`${address}/live?route=%2Fwait%2F%7Bname%7D`);
  await rows().first().waitFor();
  expect(await rows().count()).toBe(1);
  expect(await server.end()).toBe(0);
});

describe.each(["dark", "light"] as const)("in the %s theme", (colorScheme) => {
  test.each([
    ["Live", "/live", ".live-row:nth-child(5)"],
    ["In flight", "/inflight", ".page"],
    ["Routes", "/routes", ".routes-list .verdict"],
    ["a route", `/routes?open=${encodeURIComponent(`orders ${ORDER}`)}`, ".heatmap canvas"],
    ["Services", "/services", ".service-map .node"],
    ["a service", "/services?open=orders", ".services-side .plot canvas"],
  ])("%s: names, contrast and a quiet console", async (_name, path, ready) => {
    await show(path, ready, { colorScheme });
    expect(await violations(page)).toEqual([]);
  });

  test("a failed trace: names, contrast and a quiet console", async () => {
    const { trace_id, span_id } = spanNamed("PUT /pay");
    await show(`/traces/${trace_id}?span=${span_id}&detail=1`, ".detail-failure", { colorScheme });
    expect(await violations(page)).toEqual([]);
  });
});
