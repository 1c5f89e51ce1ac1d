import { deepEqual, equal, match } from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";

const SOURCE = `
let open;
export default async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/open") { open?.(); return new Response("opened"); }
  if (pathname === "/stream") {
    const rest = new Promise((resolve) => { open = resolve; });
    return new Response(new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("first part\\n"));
        await rest;
        controller.enqueue(new TextEncoder().encode("last part\\n"));
        controller.close();
      },
    }), { headers: { "content-type": "text/plain" } });
  }
  if (pathname === "/redirect")
    return new Response("<script>document.title = 'owned'</script>", {
      status: 302,
      headers: { location: "/elsewhere", "set-cookie": "a=b", "content-type": "text/html" },
    });
  if (pathname === "/boom") throw new Error("it is broken");
  console.log("served", pathname);
  const headers = Object.fromEntries(request.headers);
  const query = Object.fromEntries(searchParams);
  return Response.json({ method: request.method, pathname, query, headers, body: await request.text() });
};`;

describe("The dashboard's pages of calls", function () {
  this.timeout(120_000);
  let dashboard: Dashboard;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    await dashboard.skiff.deploy("hello", SOURCE);
  });
  after(() => dashboard?.close());

  const send = async (page: Page, path: string) => {
    await page.getByLabel("Path").fill(path);
    await page.getByLabel("Path").press("Control+Enter");
  };
  const text = (page: Page) => page.getByRole("region", { name: "Body of the answer" });

  it("call a function with every part, and show its answer while it comes", async () => {
    const page = await dashboard.open("/functions/hello/try");
    await page.getByLabel("Method").selectOption("PUT");
    await page.getByLabel("Text of the body").fill('{"order": 7}');
    await page.getByText("Query and headers").click();
    await page.getByLabel("Name of parameter 1").fill("full");
    await page.getByLabel("Value of parameter 1").fill("a b");
    await page.getByLabel("Name of header 1").fill("x mine");
    await page.getByText('"x mine" is not a valid header name').waitFor();
    equal(await page.getByRole("button", { name: "Send", exact: true }).isDisabled(), true);
    await page.getByLabel("Name of header 1").fill("x-mine");
    await page.getByLabel("Value of header 1").fill("yes");
    await send(page, "/orders/7");
    await text(page).waitFor();
    const { headers, ...answer } = JSON.parse(await text(page).innerText()) as Record<string, unknown>;
    deepEqual(answer, {
      ...{ method: "PUT", pathname: "/orders/7", query: { full: "a b" }, body: '{"order": 7}' },
    });
    const sent = headers as Record<string, string>;
    deepEqual([sent["x-mine"], sent["content-type"]], ["yes", "application/json"]);
    equal("authorization" in sent || "x-skiff-key" in sent, false);
    await page.getByText("first byte").waitFor();
    await assertAccessible(page);

    await send(page, "/stream");
    await page.getByText("first part").waitFor();
    equal(await page.getByRole("button", { name: "Cancel" }).count(), 1);
    await fetch(`${dashboard.skiff.url}/fn/hello/open`);
    await page.getByText("last part").waitFor();

    await send(page, "/redirect");
    await page.getByText("which was not followed").waitFor();
    await page.getByText("not stored in this browser").waitFor();
    match(await text(page).innerText(), /<script>/);
    equal((await page.context().cookies()).length, 0);
    equal(await page.title(), "hello · Try it · Skiff");

    await page.reload();
    equal(await page.getByLabel("Path").inputValue(), "/redirect");
    await page.getByRole("button", { name: "Repeat PUT /orders/7" }).click();
    await text(page)
      .getByText('"order": 7', { exact: false })
      .or(text(page).getByText("orders/7"))
      .first()
      .waitFor();
  });

  it("follow an asynchronous call to its answer, on a phone too", async () => {
    const page = await dashboard.open("/functions/hello/try", { ...PHONE, colorScheme: "dark" });
    await page.getByLabel("Asynchronous").check();
    await send(page, "/later");
    await page.getByRole("region", { name: "Attempts" }).getByText("200", { exact: true }).waitFor();
    await text(page).getByText("/later").first().waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    equal(overflow, 0, "the page is wider than the phone");
  });

  it("show lines live, with filters, and lead from a failed call to its line of code", async () => {
    await dashboard.skiff.deploy("quiet", SOURCE);
    const page = await dashboard.open("/functions/quiet/logs");
    await page.getByText("No lines yet").waitFor();
    await page.getByText("live", { exact: true }).waitFor();
    await fetch(`${dashboard.skiff.url}/fn/quiet/one`);
    await page.getByText("served /one").waitFor();
    const failed = await fetch(`${dashboard.skiff.url}/fn/quiet/boom`);
    const callId = failed.headers.get("x-skiff-call-id")!;
    await page.getByText("it is broken").waitFor();

    await page.getByLabel("Status").selectOption("5xx");
    await page.getByText("served /one").waitFor({ state: "detached" });
    await page.getByText("GET /fn/quiet/boom 500").waitFor();
    await fetch(`${dashboard.skiff.url}/fn/quiet/boom?again`);
    await page
      .getByText("GET /fn/quiet/boom?again 500")
      .or(page.getByText("GET /fn/quiet/boom 500").nth(1))
      .waitFor();
    equal(await page.getByText("it is broken").count(), 0);

    await page.goto(`${dashboard.origin}/functions/quiet/logs?call=${callId}`);
    const place = page.getByRole("link", { name: /code\/main\.ts:\d+/ });
    const line = SOURCE.split("\n").findIndex((each) => each.includes("it is broken")) + 1;
    equal(await place.getAttribute("href"), `/functions/quiet/code?file=main.ts&line=${line}&version=1`);
    const link = page.getByRole("link", { name: callId.slice(0, 8) });
    equal(await link.count(), 2);
    await link.first().click();
    await page.getByText("Error: it is broken", { exact: true }).waitFor();
    await page.getByRole("link", { name: `Open main.ts at line ${line}` }).waitFor();
    await page.getByText("In the function").waitFor();

    await dashboard.skiff.deploy("quiet", "export default () => 2;");
    await page.getByRole("link", { name: `Open main.ts at line ${line}` }).click();
    await page.getByText("This is version 1. The editor has version 2.").waitFor();
    await page.locator(".cm-line", { hasText: "it is broken" }).waitFor();
    await page.getByRole("button", { name: "Edit version 2" }).click();
    await page.locator(".cm-line", { hasText: "() => 2" }).waitFor();

    await page.goto(`${dashboard.origin}/trace/00000000-0000-4000-8000-000000000000`);
    await page.getByText("Nothing is known of this call").waitFor();
  });

  it("draw the metrics of a function", async () => {
    const page = await dashboard.open("/functions/hello/metrics?since=15m", { colorScheme: "dark" });
    await page.locator(".chart canvas").nth(4).waitFor();
    await page.locator(".chart .u-over").first().hover();
    await page.getByText("As a table").click();
    await assertAccessible(page);
  });
});
