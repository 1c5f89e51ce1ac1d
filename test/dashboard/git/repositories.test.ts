import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import type { Page } from "playwright-core";
import { GitUser } from "../../git/support/git-user.ts";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";

const code = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe("Git in the dashboard", function () {
  this.timeout(150_000);
  let dashboard: Dashboard;
  let hello: GitUser;
  let shop: GitUser;
  /** Of hello, newest first. */
  const commits: string[] = [];

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    const { url } = dashboard.skiff;
    hello = await GitUser.init(`${url}/git/hello.git`);
    commits.unshift(await hello.commit({ "main.ts": code("one") }, "Say one\n\nThe first of them."));
    await pushed(hello);
    await hello.git("push", "-q", "origin", "HEAD:next");
    await add("two");
    shop = await GitUser.init(`${url}/git/shop.git`);
    const functions = "functions:\n  shop-cart: cart.ts\n  shop-pay: pay.ts\n";
    await shop.commit({ "skiff.yaml": functions, "cart.ts": code("cart"), "pay.ts": code("pay") }, "Open");
    await pushed(shop);
    await shop.git("push", "-q", "origin", "HEAD:next");
    await shop.commit({ "cart.ts": code("a full cart") }, "Fill the cart");
    await pushed(shop);
  });

  after(async () => {
    await dashboard?.close();
    hello?.close();
    shop?.close();
  });

  async function pushed(user: GitUser): Promise<void> {
    const { code, stderr } = await user.push();
    equal(code, 0, stderr);
  }

  /** Pushes what says a text, to hello. */
  async function add(text: string): Promise<void> {
    commits.unshift(await hello.commit({ "main.ts": code(text) }, `Say ${text}`));
    await pushed(hello);
  }

  it("shows how to clone a function, its commits, and which of them serves", async () => {
    const page = await dashboard.open("/functions/hello");
    await page.getByRole("link", { name: "Git", exact: true }).click();
    const clone = page.getByLabel("Clone");
    await clone.getByText(`git clone ${dashboard.skiff.url}/git/hello.git`).waitFor();
    const rows = page.getByRole("list", { name: "Commits" }).locator("li");
    await rows.first().waitFor();
    deepEqual(
      (await rows.allInnerTexts()).map((text) => text.split(/\n+/).slice(0, 3)),
      [
        [commits[0]!.slice(0, 7), "Say two", "v2 · serves now"],
        [commits[1]!.slice(0, 7), "Say one", "v1"],
      ],
    );
    await assertAccessible(page);
    await rows.first().getByRole("button", { name: "Diff" }).press("Enter");
    await page.locator(".diff tr.added", { hasText: '"two"' }).waitFor();
    await page.locator(".diff tr.removed", { hasText: '"one"' }).waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await add("three");
    await rows.first().getByText("v3 · serves now").waitFor();
    await page.getByRole("link", { name: "Versions", exact: true }).click();
    const newest = page.locator(".versions li").first();
    await newest.getByText("Ada, pushed by local").waitFor();
    equal(await newest.getByRole("link", { name: commits[0]!.slice(0, 7) }).count(), 1);
    // A deploy over the API has no author besides whoever deployed it.
    await dashboard.skiff.deploy("hello", code("four"));
    const { head } = (await (await fetch(`${dashboard.skiff.url}/git/hello`)).json()) as { head: string };
    await page.reload();
    await newest.getByRole("link", { name: head.slice(0, 7) }).waitFor();
    match(await newest.innerText(), /v4[\s\S]*\blocal ·/);
    doesNotMatch(await newest.innerText(), /pushed by/);
  });

  it("chooses the branch that deploys, and says why another one cannot be it", async () => {
    const page = await dashboard.open("/repositories/shop");
    await page.getByRole("button", { name: "Change" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Branch").fill("feature");
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.getByText('has no branch "feature": push it first').waitFor();
    await dialog.getByLabel("Branch").fill("next");
    await dialog.getByRole("button", { name: "Use it" }).click();
    await page.getByText("The next push to next is deployed.").waitFor();
    await page.getByText("git push origin HEAD:next").waitFor();
    await page.getByRole("list", { name: "Commits" }).locator("li").nth(1).waitFor({ state: "detached" });
  });

  it("lists repositories, and shows the functions of a group", async () => {
    const page = await dashboard.open("/repositories");
    await page.getByRole("cell", { name: "shop group" }).waitFor();
    await assertAccessible(page);
    await page.getByRole("link", { name: "shop", exact: true }).click();
    await page.getByRole("heading", { name: "shop" }).waitFor();
    const member = page.getByRole("row", { name: "shop-pay" });
    await member.getByRole("cell", { name: "v1" }).first().waitFor();
    await assertAccessible(page);
    await member.getByRole("link").click();
    await page.getByText("shop-pay is in the repository shop").waitFor();
    await page.getByRole("list", { name: "Commits" }).getByText("v1 · serves now").waitFor();
  });

  it("fits a phone", async () => {
    const page = await dashboard.open("/repositories", PHONE);
    for (const path of ["/repositories/shop", "/functions/hello/git"]) {
      equal(await overflow(page), 0, `${page.url()} is wider than a phone`);
      await page.goto(dashboard.origin + path);
      await page.getByRole("list", { name: "Commits" }).locator("li").first().waitFor();
    }
    equal(await overflow(page), 0, `${page.url()} is wider than a phone`);
  });

  it("says what to install where git is missing, and what a key lacks", async () => {
    const page = await dashboard.open("/");
    const problem = {
      status: 501,
      code: "git_missing",
      title: "Git is not installed",
      detail: "Install git.",
    };
    await page.route("**/api/git*", (route) => route.fulfill({ status: 501, json: problem }));
    for (const path of ["/functions/hello/git", "/repositories"]) {
      await page.goto(dashboard.origin + path);
      await page.getByRole("heading", { name: "Git is not installed" }).waitFor();
      match(await page.locator("main").innerText(), /Install git\./);
      equal(await page.getByText("Loading…").count(), 0);
    }
    await page.unroute("**/api/git*");
    const denied = {
      status: 403,
      code: "insufficient_scope",
      title: "The key lacks a scope",
      detail: "A list of repositories needs a key with the scope read.",
    };
    await page.route("**/api/git*", (route) => route.fulfill({ status: 403, json: denied }));
    for (const path of ["/functions/hello/git", "/repositories"]) {
      await page.goto(dashboard.origin + path);
      await page.getByText(denied.detail).waitFor();
      equal(await page.getByText("Loading…").count(), 0);
    }
  });

  it("can be deleted, and leave their functions", async () => {
    const page = await dashboard.open("/repositories/shop");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "hello", exact: true }).waitFor();
    equal(await page.getByRole("link", { name: "shop", exact: true }).count(), 0);
    equal((await fetch(`${dashboard.skiff.url}/func/shop-pay`)).status, 200);
  });
});

/** Pixels that the page is wider than its window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
