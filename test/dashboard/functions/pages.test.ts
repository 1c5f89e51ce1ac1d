import { deepEqual, equal, match } from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";
import { eventually } from "../../support/eventually.ts";

const FAILING = `export default () => {
  const cart: any = undefined;
  return new Response(cart.total);
};
`;

/** A deploy or new traffic waits for an instance, which takes long on a busy machine. */
const STARTED = { timeout: 45_000 };

describe("Pages of functions", function () {
  this.timeout(150_000);
  let dashboard: Dashboard;

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    const { skiff } = dashboard;
    const one = await skiff.deploy("hello", 'export default () => "one";', "message=The+first+one");
    equal(one.status, 201);
    await skiff.deploy("hello", 'export default () => "two";', "message=Say+two");
    await skiff.deploy("checkout", FAILING);
    for (let call = 0; call < 3; call++) await fetch(`${skiff.url}/fn/checkout`);
    await fetch(`${skiff.url}/fn/hello`);
  });

  after(() => dashboard?.close());

  const get = async (path: string) => {
    const response = await fetch(dashboard.skiff.url + path);
    return (await response.json()) as Record<string, never>;
  };

  it("shows a failing function first, and leads from its error to the line in two clicks", async () => {
    const page = await dashboard.open("/");
    const first = page.locator("tbody tr").first();
    await first.getByText("Failing").waitFor();
    match(await first.innerText(), /^checkout/);
    await page.getByLabel("Search functions").fill("hel");
    await eventually("one function is left", async () => (await page.locator("tbody tr").count()) === 1);
    await page.getByLabel("Search functions").fill("");

    await page.getByRole("link", { name: "checkout" }).click();
    await page.getByText("3 of 3 calls failed").waitFor();
    const place = page.getByRole("link", { name: "main.ts:3" }).first();
    equal(await place.getAttribute("href"), "/functions/checkout/code?file=main.ts&line=3&version=1");
    match(
      (await page.getByRole("link", { name: "Trace" }).first().getAttribute("href"))!,
      /^\/trace\/[-0-9a-f]{36}$/,
    );
  });

  it("takes a dropped file to the page of a new function", async () => {
    const page = await dashboard.open("/");
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["export default () => 1"], "fresh.ts"));
      return transfer;
    });
    await page.dispatchEvent("main", "dragenter", { dataTransfer: data });
    await page.getByText("Drop the file").waitFor();
    await page.dispatchEvent("main", "drop", { dataTransfer: data });
    await page.waitForURL("**/new");
  });

  it("compares versions, rolls back, and divides the calls with sliders", async () => {
    const page = await dashboard.open("/functions/hello/versions");
    const row = (version: number) => page.locator(".versions li", { hasText: `v${version}` });
    await row(1).getByRole("button", { name: "Diff" }).click();
    await page.locator(".diff tr.added", { hasText: '"two"' }).waitFor();
    await page.locator(".diff tr.removed", { hasText: '"one"' }).waitFor();
    await assertAccessible(page);

    await row(1).getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await page.getByText("All calls of hello go to v1.").waitFor(STARTED);
    deepEqual((await get("/func/hello/traffic")).weights, { 1: 1 });

    await page.getByLabel("Add a version to the calls").selectOption("2");
    await page.getByLabel("Percentage of the calls for v2").fill("30");
    equal(await page.getByLabel("Percentage of the calls for v1").inputValue(), "70");
    await page.getByRole("button", { name: "Apply traffic" }).click();
    await page.getByText("The calls of hello are divided").waitFor(STARTED);
    deepEqual((await get("/func/hello/traffic")).weights, { 1: 70, 2: 30 });
  });

  it("changes a setting, and says at its field what is wrong", async () => {
    const page = await dashboard.open("/functions/checkout/settings");
    const timeout = page.getByLabel("Timeout", { exact: true });
    await timeout.fill("10ms");
    await page.locator(".setting", { has: timeout }).getByText("a value from 100ms to 1h").waitFor();
    equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true);
    await page.getByRole("button", { name: "Timeout is not valid" }).click();
    equal(await timeout.evaluate((field) => field === document.activeElement), true);
    await timeout.fill("20s");
    await page.getByLabel("New variable").fill("GREETING");
    await page.getByLabel("Value", { exact: true }).fill("hello");
    await page.getByRole("button", { name: "Add" }).click();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Version 2 has the new settings").waitFor(STARTED);
    const { settings } = (await get("/func/checkout")) as unknown as { settings: Record<string, unknown> };
    deepEqual([settings.timeoutMs, settings.env], [20_000, { GREETING: "***" }]);
  });

  it("stores a secret, gives it to a function, and never shows its value", async () => {
    const page = await dashboard.open("/secrets");
    await page.getByRole("button", { name: "New secret" }).first().click();
    await page.getByLabel("Name").fill("db-password");
    await page.getByLabel("Value").fill("correct horse");
    await page.getByRole("button", { name: "Store" }).click();
    await page.getByText("db-password is stored as version 1.").waitFor();

    await visit(page, "/functions/hello/secrets");
    await page.getByRole("button", { name: "Use a secret" }).click();
    await page.getByRole("dialog").getByLabel("Secret", { exact: true }).selectOption("db-password");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByRole("cell", { name: "DB_PASSWORD", exact: true }).waitFor(STARTED);
    equal((await page.content()).includes("correct horse"), false);
  });

  it("fits a phone, and says what to do in access and schedules", async () => {
    const page = await dashboard.open("/", PHONE);
    await page.locator("tbody tr").first().waitFor();
    for (const path of ["/functions/hello", "/functions/hello/access", "/functions/hello/schedules"]) {
      equal(await overflow(page), 0, `${page.url()} is wider than a phone`);
      await visit(page, path);
      await page.locator("main .section").first().waitFor();
    }
    equal(await overflow(page), 0);
  });
});

/** Opens another page in the same tab. */
async function visit(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href);
  await page.locator("main h1").filter({ hasNotText: "Loading…" }).first().waitFor();
}

/** Pixels by which the page is wider than its window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
