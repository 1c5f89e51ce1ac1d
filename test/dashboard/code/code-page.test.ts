import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";
import { eventually } from "../../support/eventually.ts";

const SOURCE = 'export default () => "one";\n';

describe("the code page", function () {
  this.timeout(120_000);
  let dashboard: Dashboard;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
  });
  after(() => dashboard?.close());

  const deploy = async (name: string, source = SOURCE) => {
    const headers = { authorization: `Bearer ${dashboard.key}` };
    const url = `${dashboard.skiff.url}/func/${name}`;
    const { status } = await fetch(url, { method: "PUT", body: source, headers });
    assert.ok(status < 300, `deploy answered ${status}`);
  };
  const called = async (name: string) => (await fetch(`${dashboard.skiff.url}/fn/${name}`)).text();
  const typed = async (page: Page, text: string) => {
    await page.locator(".editor .cm-content").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(text);
  };
  const text = (page: Page, pattern: RegExp) => page.getByText(pattern).first().waitFor();
  const source = (page: Page) => page.locator(".editor .cm-content").innerText();
  const shows = (page: Page, pattern: RegExp) =>
    eventually(`the editor shows ${pattern}`, async () => pattern.test(await source(page)));
  const again = async (page: Page, name: string) => {
    const other = await page.context().newPage();
    other.on("dialog", (dialog) => void dialog.accept());
    await other.goto(`${dashboard.origin}/functions/${name}/code`);
    await other.locator(".editor .cm-content").waitFor();
    return other;
  };

  it("makes an edit live, and shows the line of a fault", async () => {
    await deploy("edited");
    const page = await dashboard.open("/functions/edited/code");
    await typed(page, 'export default () => "two";\n');
    await page.keyboard.press("Control+s");
    await text(page, /Version 2 is live/);
    assert.equal(await called("edited"), "two");

    await typed(page, "const one = 1;\nconst = 2;\nexport default () => one;\n");
    await page.keyboard.press("Control+s");
    await page.getByRole("button", { name: /^main\.ts:2:7/ }).waitFor();
    await page.locator(".cm-lintRange-error").waitFor();
    await page.getByRole("button", { name: "Deploy", exact: true }).waitFor();
    assert.equal(await page.locator('[aria-busy="true"]').count(), 0);
    assert.equal(await called("edited"), "two");
    await assertAccessible(page);

    await page.goto(`${dashboard.origin}/functions/edited/code?file=main.ts&line=1`);
    await text(page, /Your draft is back/);
    await page.locator(".cm-activeLineGutter").filter({ hasText: /^1$/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.closest(".editor") ?? null), null);
  });

  it("keeps the draft of each tab, also of one that was killed", async () => {
    await deploy("drafted");
    const one = await dashboard.open("/functions/drafted/code");
    await typed(one, 'export default () => "of one";\n');
    const two = await again(one, "drafted");
    await text(two, /Another tab has a draft/);
    await typed(two, 'export default () => "of two";\n');
    for (const page of [one, two]) await text(page, /draft saved/);
    await two.reload();
    await text(two, /Your draft is back/);
    await shows(two, /of two/);
    await text(one, /Another tab has a draft/);

    // The page gets no event of its end.
    await one.close();
    const three = await again(two, "drafted");
    await text(three, /A closed tab left a draft/);
    // It would replace what is typed here.
    await typed(three, 'export default () => "of three";\n');
    await three.getByRole("button", { name: "Restore it", disabled: true }).waitFor();
    await typed(three, SOURCE);
    await three.getByRole("button", { name: "Restore it", disabled: false }).waitFor();
    await three.getByRole("button", { name: "Restore it" }).click();
    await shows(three, /of one/);
    assert.equal(await called("drafted"), "one");
    await three.keyboard.press("Control+s");
    await text(three, /Version 2 is live/);
    assert.equal(await called("drafted"), "of one");
    await three.reload();
    await text(three, /No changes/);
    assert.match(await source(two), /of two/);
    // A draft that is gone is nobody's any more.
    await text(three, /Another tab has a draft/);
    await typed(two, SOURCE);
    await three.getByText(/Another tab has a draft/).waitFor({ state: "hidden" });
  });

  it("merges with what somebody else has deployed", async () => {
    await deploy("merged");
    const page = await dashboard.open("/functions/merged/code");
    await typed(page, 'export default () => "mine";\n');
    await deploy("merged", 'export default () => "theirs";\n');
    await page.keyboard.press("Control+s");
    await text(page, /Version 2 was deployed after you loaded version 1/);
    await page.locator(".cm-mergeView").waitFor();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Take theirs" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Take theirs" }).click();
    await shows(page, /theirs/);
    await text(page, /No changes/);

    await typed(page, 'export default () => "mine again";\n');
    await deploy("merged", 'export default () => "theirs again";\n');
    await page.keyboard.press("Control+s");
    await page.getByRole("button", { name: "Deploy mine on top" }).click();
    await text(page, /Version 4 is live/);
    assert.equal(await called("merged"), "mine again");
  });

  it("names a newer version that takes a part of the calls, and shows it", async () => {
    await deploy("split");
    await deploy("split", 'export default () => "newer";\n');
    const headers = { authorization: `Bearer ${dashboard.key}`, "content-type": "application/json" };
    const body = JSON.stringify({ weights: { 1: 80, 2: 20 } });
    const { status } = await fetch(`${dashboard.skiff.url}/func/split/traffic`, {
      method: "PUT",
      body,
      headers,
    });
    assert.equal(status, 200);
    const page = await dashboard.open("/functions/split/code");
    await text(page, /Version 2 is newer and takes 20 % of the calls/);
    await shows(page, /one/);
    await page.getByRole("link", { name: "Show version 2" }).click();
    await shows(page, /newer/);
  });
});
