import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";

describe("forms of the dashboard, in a browser", function () {
  this.timeout(240_000);
  let dashboard: Dashboard;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    const { status } = await dashboard.skiff.deploy("hello", 'export default () => "one";');
    assert.equal(status, 201);
  });
  after(() => dashboard?.close());

  const dialog = (page: Page) => page.getByRole("dialog");

  it("ask before changes are lost: by a click, the way back, the keyboard, and with the tab", async () => {
    const page = await dashboard.open("/functions/hello");
    await page.getByRole("link", { name: "Settings" }).click();
    const timeout = page.getByLabel("Timeout", { exact: true });
    await timeout.fill("20s");
    await page.getByRole("link", { name: "Versions" }).click();
    await dialog(page).getByText("Leave without saving?").waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    assert.equal(await timeout.inputValue(), "20s");

    await page.goBack();
    await dialog(page).getByRole("button", { name: "Stay" }).click();
    assert.equal(new URL(page.url()).pathname, "/functions/hello/settings");
    assert.equal(await timeout.inputValue(), "20s");

    const closing = page.waitForEvent("dialog");
    const reloading = page.evaluate(() => location.reload());
    const asked = await closing;
    assert.equal(asked.type(), "beforeunload");
    await asked.dismiss();
    await reloading;
    assert.equal(await timeout.inputValue(), "20s");

    await page.goBack();
    await dialog(page).getByRole("button", { name: "Discard and leave" }).click();
    await page.getByText("It can be called now").waitFor();
    assert.equal(new URL(page.url()).pathname, "/functions/hello");
  });

  it("never say that something is saved which the page could not read back", async () => {
    const page = await dashboard.open("/functions/hello/settings");
    let isWritten = false;
    await page.route("**/api/func/hello*", async (route) => {
      const isRead = route.request().method() === "GET";
      if (isRead && isWritten) return route.abort();
      if (!isRead) isWritten = true;
      return route.continue();
    });
    await page.getByLabel("Timeout", { exact: true }).fill("25s");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/Version 2 with the new settings is stored\. It could not be read back/).waitFor();
    assert.equal(await page.getByText("has the new settings and takes").count(), 0);
    await page.unrouteAll();
    // The page finds the present state by itself.
    await page.locator(".badges", { hasText: "v2" }).waitFor();
    assert.equal(await page.getByLabel("Timeout", { exact: true }).inputValue(), "25s");
  });

  it("keep what was typed in a dialog until somebody discards it", async () => {
    const page = await dashboard.open("/schedules");
    await page.getByRole("button", { name: "New schedule" }).first().click();
    await page.getByLabel("Name").fill("nightly");
    await page.keyboard.press("Escape");
    await dialog(page).getByText("Discard what you typed?").waitFor();
    // The browser closes a dialog at a second Escape without asking.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await dialog(page).getByRole("button", { name: "Keep it" }).click();
    assert.equal(await page.getByLabel("Name").inputValue(), "nightly");
    await page.getByRole("button", { name: "Cancel" }).click();
    await dialog(page).getByRole("button", { name: "Discard" }).click();
    await dialog(page).waitFor({ state: "detached" });
  });
});
