import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { seedRepository } from "../../git/api/seeded-repository.ts";
import { plainGit } from "../../git/homes/plain-git.ts";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { whyNoBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";
import { notTried } from "../../support/not-tried.ts";

const code = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe("Git in the dashboard", function () {
  this.timeout(150_000);
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-git-pages-"));
  let dashboard: Dashboard;
  let commits: readonly string[];

  before(async function () {
    const why = whyNoBrowser();
    if (why !== undefined) notTried(this, why);
    dashboard = await signedInDashboard();
    const { skiff } = dashboard;
    await skiff.deploy("hello", code("one"), "message=The+first+one");
    await skiff.deploy("hello", code("two"));
    for (const name of ["shop-cart", "shop-pay"]) await skiff.deploy(name, code(name));
    const home = new FolderHome({ folder: join(skiff.dataFolder, "git"), git: plainGit });
    const versionsOf = async (name: string) => {
      const response = await fetch(`${skiff.url}/func/${name}/versions`);
      return ((await response.json()) as { versions: [] }).versions;
    };
    const seed = (name: string, functions: readonly string[]) =>
      seedRepository({ home, folder, name, functions, commits: 2, versionsOf });
    commits = await seed("hello", ["hello"]);
    await seed("shop", ["shop-cart", "shop-pay"]);
    await home.close();
  });

  after(async () => {
    await dashboard?.close();
    rmSync(folder, { recursive: true, force: true });
  });

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
        [commits[0]!.slice(0, 7), "Commit 2", "v2 · serves now"],
        [commits[1]!.slice(0, 7), "Commit 1", "v1"],
      ],
    );
    await assertAccessible(page);
    await rows.first().getByRole("button", { name: "Diff" }).press("Enter");
    await page.locator(".diff tr.added", { hasText: "export default () => 2;" }).waitFor();
    await page.locator(".diff tr.removed", { hasText: "export default () => 1;" }).waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
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
    await page.getByText("No commit of next changes shop-pay.").waitFor();
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
