import assert from "node:assert/strict";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";

describe("the page of a new function", function () {
  this.timeout(120_000);
  let dashboard: Dashboard;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
  });
  after(() => dashboard?.close());

  it("deploys a template with two clicks from the start page, and files with their name", async () => {
    const { skiff, origin } = dashboard;
    const page = await dashboard.open("/");
    await page.getByRole("link", { name: "New function" }).first().click();
    await page.locator(".editor .tok-keyword").first().waitFor();
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.waitForURL(`${origin}/functions/hello`);
    assert.match(await (await fetch(`${skiff.url}/fn/hello`)).text(), /^Hello, /);

    await page.goto(`${origin}/new`);
    const name = page.getByRole("textbox", { name: "Name" });
    await page.waitForFunction(
      () => document.querySelector<HTMLInputElement>("main input")?.value === "hello-2",
    );
    await name.fill("hello");
    await page.getByText("There is a function with this name.").waitFor();
    await name.fill("Hello");
    await page.getByText(/not “H”/).waitFor();
    assert.ok(await page.getByRole("button", { name: "Deploy", exact: true }).isDisabled());
    await assertAccessible(page);

    await page.getByRole("button", { name: /^Hono/ }).click();
    await page.locator(".editor", { hasText: "npm:hono" }).waitFor();
    assert.equal(await page.locator(".cm-lintRange, .cm-lint-marker").count(), 0);
    await page.locator(".editor .cm-content").click();
    await page.keyboard.insertText("// kept ");
    // To another page and back, without a reload.
    await page.getByRole("link", { name: "Functions" }).first().click();
    await page.getByRole("link", { name: "New function" }).first().click();
    await page.getByText("Your draft is back").waitFor();
    await page.locator(".editor", { hasText: "// kept " }).waitFor();
    await page.getByRole("button", { name: "Discard it" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard it" }).click();
    await page.locator(".editor", { hasNotText: "// kept " }).waitFor();

    await page.goto(`${origin}/new`);
    await page.getByRole("button", { name: /^Your files/ }).click();
    const files = [
      { name: "Greet You.ts", mimeType: "text/plain", buffer: Buffer.from("export default () = 1;") },
    ];
    await page.locator('input[type="file"]').first().setInputFiles(files);
    await page.getByText("Greet You.ts").first().waitFor();
    assert.equal(await name.inputValue(), "greet-you");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByText("The source does not build").waitFor();
    files[0]!.buffer = Buffer.from('export default () => "greeted";');
    await page.locator('input[type="file"]').first().setInputFiles(files);
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.waitForURL(`${origin}/functions/greet-you`);
    assert.equal(await (await fetch(`${skiff.url}/fn/greet-you`)).text(), "greeted");
  });
});
