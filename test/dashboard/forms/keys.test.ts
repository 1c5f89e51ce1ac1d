import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { whyNoBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";
import { notTried } from "../../support/not-tried.ts";

const PAGES = ["", "/secrets", "/access", "/schedules", "/versions", "/settings"].map(
  (part) => `/functions/hello${part}`,
);

describe("the dashboard with a key that has few rights", function () {
  this.timeout(240_000);
  let dashboard: Dashboard;
  before(async function () {
    const reason = whyNoBrowser();
    if (reason !== undefined) notTried(this, reason);
    dashboard = await signedInDashboard();
    const { status } = await dashboard.skiff.deploy(
      "hello",
      'export default () => "hi there";',
      "access=key",
    );
    assert.equal(status, 201);
  });
  after(() => dashboard?.close());

  const signedIn = async (members: object) => {
    const response = await fetch(`${dashboard.skiff.url}/key`, {
      ...{ method: "POST", body: JSON.stringify({ name: "few", ...members }) },
      headers: { authorization: `Bearer ${dashboard.key}` },
    });
    const { key } = (await response.json()) as { key: string };
    return await dashboard.open("/", { key });
  };
  const visit = async (page: Page, path: string) => {
    await page.goto(dashboard.origin + path);
    await page.locator("main h1").filter({ hasNotText: "Loading…" }).first().waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
  };

  it("lets a key with the scope call try functions, and says what it cannot do", async () => {
    const page = await signedIn({ scopes: ["call"] });
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

  it("shows a key for one function nothing that always fails", async () => {
    const page = await signedIn({ scopes: ["read", "deploy"], functions: ["hello"] });
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
