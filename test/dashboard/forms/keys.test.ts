import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";

const PAGES = ["", "/secrets", "/access", "/schedules", "/versions", "/settings"].map(
  (part) => `/functions/hello${part}`,
);

describe("the dashboard with a key that has few rights", function () {
  this.timeout(240_000);
  let dashboard: Dashboard;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    const { status } = await dashboard.skiff.deploy(
      "hello",
      'export default () => "hi there";',
      "access=key",
    );
    assert.equal(status, 201);
  });
  after(() => dashboard?.close());

  const admin = async (method: string, path: string, members?: object) => {
    const headers = { authorization: `Bearer ${dashboard.key}`, "content-type": "application/json" };
    const body = members === undefined ? null : JSON.stringify(members);
    const response = await fetch(dashboard.skiff.url + path, { method, headers, body });
    assert.ok(response.ok, `${method} ${path} answered ${response.status}`);
    return (await response.json()) as { id: string; key: string };
  };
  const newKey = (members: object) => admin("POST", "/key", { name: "few", ...members });
  const signedIn = async (members: object) => {
    const { key, id } = await newKey(members);
    return { page: await dashboard.open("/", { key }), id };
  };
  const visit = async (page: Page, path: string) => {
    await page.goto(dashboard.origin + path);
    await page.locator("main h1").filter({ hasNotText: "Loading…" }).first().waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
  };

  it("lets a key with the scope call try functions, and says what it cannot do", async () => {
    const { page } = await signedIn({ scopes: ["call"] });
    await page.getByText("Your key can call functions by their name.").waitFor();
    assert.deepEqual(await page.locator("nav[aria-label=Pages] a").allInnerTexts(), ["Functions", "Calls"]);
    await assertAccessible(page);
    await page.getByLabel("Name of the function").fill("hello");
    await page.getByRole("button", { name: "Try it" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("hi there").waitFor();
    await visit(page, "/functions/hello");
    await page.getByText("This page needs a key with the scope “read”, and yours has “call”.").waitFor();
    await visit(page, "/calls");
    assert.equal(await page.locator(".notice.bad").count(), 0);
  });

  it("stays signed in at a sign-in link that was followed before, which else asks for a key", async () => {
    const { page } = await signedIn({ scopes: ["call"] });
    const stale = `${dashboard.origin}/signed-in?state=stale&code=c`;
    const start = page.getByRole("heading", { name: "What your key can do" });
    await page.goto(stale);
    await start.waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
    await page.evaluate("localStorage.clear()");
    await page.goto(stale);
    await page.getByText("This sign-in was finished before").waitFor();
    const { key } = await newKey({ scopes: ["call"] });
    await page.getByLabel("Key or token").fill(key);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await start.waitFor();
  });

  it("asks for another key over the page when its own is not valid any more, and keeps what was typed", async () => {
    const { page, id } = await signedIn({ scopes: ["read", "deploy"] });
    await visit(page, "/functions/hello/settings");
    const timeout = page.getByLabel("Timeout", { exact: true });
    await timeout.fill("20s");
    await admin("DELETE", `/key/${id}`);
    await page.getByRole("dialog").getByText("does not accept your key").waitFor();
    await assertAccessible(page);
    // Nothing leads past it.
    await page.keyboard.press("Escape");
    const next = await newKey({ scopes: ["deploy", "read"] });
    await page.getByRole("dialog").getByLabel("Key or token").fill(next.key);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await timeout.inputValue(), "20s");
    // Another tab, which somebody opens meanwhile, asks as well and signs in both.
    await admin("DELETE", `/key/${next.id}`);
    await page.getByRole("dialog").getByText("does not accept your key").waitFor();
    const other = await page.context().newPage();
    await other.goto(dashboard.origin);
    await other.getByLabel("Key or token").fill((await newKey({ scopes: ["read", "deploy"] })).key);
    await page.getByRole("dialog").waitFor();
    await other.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await timeout.inputValue(), "20s");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Version 2 has the new settings").waitFor();
  });

  it("shows a key for one function nothing that always fails", async () => {
    const { page } = await signedIn({ scopes: ["read", "deploy"], functions: ["hello"] });
    await page.getByRole("link", { name: "hello", exact: true }).waitFor();
    for (const path of PAGES) {
      await visit(page, path);
      assert.deepEqual(await page.locator(".notice.bad").allInnerTexts(), [], path);
    }
    await visit(page, "/functions/hello/secrets");
    const use = page.getByRole("button", { name: "Use a secret" });
    assert.deepEqual(
      [await use.isDisabled(), await use.getAttribute("title")],
      [true, "Your key is for hello alone."],
    );
  });
});
