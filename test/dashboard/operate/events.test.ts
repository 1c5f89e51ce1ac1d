import assert from "node:assert/strict";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";

const FAILS_ONCE = `let calls = 0;
export default async (request) => {
  await request.text();
  return ++calls === 1 ? new Response("the disk is slow today", { status: 500 }) : new Response("resized");
};`;

describe("the dashboard's calls, topics and schedules", function () {
  this.timeout(120_000);
  let dashboard: Dashboard;
  const send = async (method: string, path: string, body?: unknown) => {
    const { skiff } = dashboard;
    const response = await fetch(`${skiff.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
    return (await response.json()) as Record<string, unknown>;
  };

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    await dashboard.skiff.deploy("resize", FAILS_ONCE);
    await dashboard.skiff.deploy(
      "mail",
      "export default async (r) => new Response('got ' + (await r.text()));",
    );
  });
  after(() => dashboard?.close());

  it("finds a dead call by its state, shows why it is dead, and retries it", async () => {
    const { id } = await send("POST", "/async/fn/resize/large?attempts=1", "image 17");
    await send("GET", `/call/${id}?wait=30s`);
    const page = await dashboard.open("/calls");
    await page.getByRole("button", { name: "Dead", exact: true }).click();
    await page
      .getByRole("row", { name: /resize\/large/ })
      .getByText("the disk is slow today")
      .waitFor();
    await page.getByRole("link", { name: "resize/large" }).click();
    await page
      .getByRole("region", { name: "Body of the answer" })
      .getByText("the disk is slow today")
      .waitFor();
    await page.getByRole("button", { name: "Retry" }).click();
    await page.locator(".page-head .badge", { hasText: "done" }).waitFor();
    await page.getByRole("region", { name: "Body of the answer" }).getByText("resized").waitFor();
    assert.match(await page.getByRole("region", { name: "Log lines" }).innerText(), /POST \/fn\/resize/);
  });

  it("publishes an event, which appears in the live tail and is delivered, and replays it", async () => {
    await send("PUT", "/topic/orders", {});
    const page = await dashboard.open("/topics/orders");
    await page.getByText("No event yet.").waitFor();
    await page.getByRole("button", { name: "Subscribe" }).click();
    await page.getByLabel("Name").fill("mail");
    await page
      .getByRole("textbox", { name: "Function", exact: true })
      .or(page.getByRole("combobox", { name: "Function", exact: true }))
      .first()
      .fill("mail");
    await page.getByRole("dialog").getByRole("button", { name: "Subscribe" }).click();
    await page.getByRole("heading", { name: "mail", level: 1 }).waitFor();
    await page.goBack();
    await page.getByLabel("Type", { exact: true }).fill("order.created");
    await page.getByLabel("Data", { exact: true }).fill('{"order": 17');
    await page.getByText("not valid JSON").waitFor();
    await page.getByLabel("Data", { exact: true }).fill('{"order": 17}');
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByText("at position 1").waitFor();
    const tail = page.getByRole("list", { name: "Events, newest first" });
    await tail.getByText("order.created").first().waitFor();
    await tail.getByText('{"order":17}').first().waitFor();
    await page.getByRole("button", { name: "Publish and wait" }).click();
    await page.getByRole("region", { name: "Reply" }).getByText('got {"order": 17}').waitFor();
    await assertAccessible(page);
    await page.getByRole("link", { name: "mail", exact: true }).click();
    await page.locator(".figure", { hasText: "Delivered" }).getByText("2", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Replay…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
    await page.locator(".figure", { hasText: "Delivered" }).getByText("4", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Resume" }).waitFor();
    const list = await dashboard.open("/topics", PHONE);
    await list.getByRole("link", { name: "orders" }).first().waitFor();
  });

  it("says the next times of an expression as somebody types it, and runs a schedule now", async () => {
    const page = await dashboard.open("/schedules");
    await page.getByText("No schedule yet").waitFor();
    await page.getByRole("button", { name: "New schedule" }).first().click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Name").fill("nightly");
    await form.getByLabel("Cron expression").fill("0 3 * *");
    await form.getByText("It has 4 fields").waitFor();
    await form.getByLabel("Cron expression").fill("0 3 * * *");
    await form.getByLabel("Time zone").fill("Europe/Berlin");
    await form.getByText("03:00:00 Europe/Berlin").first().waitFor();
    assert.equal(await form.getByText("03:00:00 Europe/Berlin").count(), 5);
    await form.getByLabel("Function").fill("mail");
    await assertAccessible(page);
    await form.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "nightly", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
    await page.getByRole("region", { name: "Asynchronous calls" }).getByText("done").waitFor();
    const list = await dashboard.open("/schedules", PHONE);
    await list.getByRole("link", { name: "nightly" }).waitFor();
  });
});
