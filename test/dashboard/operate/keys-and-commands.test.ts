import assert from "node:assert/strict";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";
import { needsWall } from "../../support/skiff/walls.ts";

describe("the dashboard's keys, commands, usage, audit and system", function () {
  this.timeout(120_000);
  let dashboard: Dashboard;

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    await dashboard.skiff.deploy("hello", "export default () => new Response('hello');");
    for (let call = 0; call < 3; call++) await (await fetch(`${dashboard.skiff.url}/fn/hello`)).text();
  });
  after(() => dashboard?.close());

  it("creates a key that is shown once, and revokes it", async () => {
    const page = await dashboard.open("/keys");
    await page.getByRole("button", { name: "New key" }).first().click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Name").fill("shop");
    await form.getByText("list and describe").click();
    await form.getByRole("button", { name: "Create" }).click();
    const key = await page.getByRole("region", { name: "The key" }).innerText();
    assert.match(key, /^sk_/);
    const used = await fetch(`${dashboard.skiff.url}/whoami`, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.deepEqual(((await used.json()) as { scopes: string[] }).scopes.sort(), ["call", "read"]);
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("row", { name: /shop/ }).waitFor();
    assert.ok(!(await page.content()).includes(key));
    await page.getByRole("button", { name: "Revoke shop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("row", { name: /shop/ }).waitFor({ state: "detached" });
    const refused = await fetch(`${dashboard.skiff.url}/whoami`, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(refused.status, 401);
  });

  it("shows the output of a command before its end, and then its exit code", async function () {
    needsWall(this, "bwrap");
    const page = await dashboard.open("/commands");
    await page.getByLabel("Command", { exact: true }).fill("echo first; echo oops >&2; cat; exit 3");
    await page.getByText("Standard input, variables and limits").click();
    await page.getByLabel("Standard input").fill("from the input");
    await page.getByRole("button", { name: "Run" }).click();
    const output = page.getByRole("region", { name: "Output of the command" });
    await page.locator(".badge", { hasText: "exit 3" }).first().waitFor();
    assert.match(await output.innerText(), /from the input/);
    await output.locator(".errors", { hasText: "oops" }).waitFor();
    await page.getByLabel("Command", { exact: true }).fill("echo at once; sleep 60");
    await page.getByRole("button", { name: "Run" }).click();
    await output.getByText("at once").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".badge", { hasText: "stopped" }).first().waitFor();
    await assertAccessible(page);
  });

  it("shows usage, the audit log and the system, also on a phone", async () => {
    const usage = await dashboard.open("/usage");
    await usage.getByRole("row", { name: /hello/ }).getByText("3", { exact: true }).waitFor();
    const saved = usage.waitForEvent("download");
    await usage.getByRole("button", { name: "CSV" }).click();
    assert.equal((await saved).suggestedFilename(), "skiff-usage.csv");
    const audit = await dashboard.open("/audit?search=hello");
    await audit.getByRole("row", { name: /deploy/ }).waitFor();
    const system = await dashboard.open("/system", PHONE);
    await system.getByText("healthy").waitFor();
    await system.getByLabel("Search limits").fill("size of an event");
    await system.getByText("1.0 MiB").waitFor();
    const wide = await system.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok((wide as number) <= 0, `the page is ${wide} pixels wider than a phone`);
  });
});
