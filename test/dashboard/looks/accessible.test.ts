import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { seriousFindings } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, PHONE, signedInDashboard } from "../../support/browser/signed-in.ts";
import { eventually } from "../../support/eventually.ts";
import { EMPTY, type Ids, MISSING, OPEN, pages, type State } from "./pages-and-states.ts";

const DARK = ["dark"] as const;
const BOTH = ["light", "dark"] as const;
const HELLO = `export default async (request) => {
  if ((await request.text()).includes("bad")) throw new Error("it is broken");
  return "hello";
};`;
const ORDER = `steps:
  one: { fn: hello, with: { say: "\${ input.say }" } }
  two: { approve: "Go on?", needs: [one] }
`;

/** Every page and state on a desktop in light and in dark colours, and on a phone in dark ones. */
describe("the looks of the dashboard", function () {
  this.timeout(180_000);
  let dashboard: Dashboard;
  let desktop: Page;
  let phone: Page;
  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    desktop = await dashboard.open("/");
    phone = await dashboard.open("/", PHONE);
  });
  after(() => dashboard?.close());

  it("has no serious finding on empty pages", () => checkAll(EMPTY));

  it("has none on pages with data, and each fits a phone", async () => {
    await checkAll(pages(await seed(dashboard)));
  });

  it("has none on pages of what is missing", () => checkAll(MISSING));

  it("has none with dialogs, menus and the palette open", () => checkAll(OPEN));

  it("keeps the focus in a dialog, and gives it back to what opened it", async () => {
    await show(desktop, { path: "/topics", text: "Subscriptions" });
    const opener = desktop.getByRole("button", { name: "New topic" }).first();
    // Behind the last control the focus is in the browser's own window.
    const isInside = () => desktop.evaluate<boolean>("document.activeElement.matches('body, dialog *')");
    for (const close of ["Escape", "Enter"]) {
      await opener.focus();
      await desktop.keyboard.press("Enter");
      await desktop.getByRole("dialog").waitFor();
      for (let press = 0; press < 12; press++) {
        await desktop.keyboard.press("Tab");
        assert.ok(await isInside(), "the focus left the dialog");
      }
      if (close === "Enter") await desktop.getByRole("button", { name: "Cancel" }).focus();
      await desktop.keyboard.press(close);
      await desktop.getByRole("dialog").waitFor({ state: "detached" });
      await eventually(
        "the focus is back",
        () => opener.evaluate((it) => it === document.activeElement),
        5_000,
      );
    }
  });

  async function checkAll(states: readonly State[]): Promise<void> {
    const found: string[] = [];
    for (const page of [desktop, phone])
      for (const state of states) {
        await show(page, state);
        const where = `${page === phone ? "phone" : "desktop"} ${state.path} with ${state.text}`;
        for (const colorScheme of page === phone ? DARK : BOTH) {
          await page.emulateMedia({ colorScheme });
          for (const finding of await seriousFindings(page))
            found.push(`${where}, ${colorScheme}: ${finding}`);
        }
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
        if (wide > 0) found.push(`${where} is ${wide} pixels too wide`);
        if (state.open !== undefined) await page.keyboard.press("Escape");
      }
    assert.deepEqual(found, []);
  }
});

/** Goes to a page without another load: the router follows replaced addresses. */
async function show(page: Page, { path, text, open }: State): Promise<void> {
  await page.evaluate((to) => history.replaceState(null, "", to), path);
  await page.waitForFunction(() => {
    const [title = "Loading"] = [document.querySelector("main h1")?.textContent];
    return !title?.startsWith("Loading") && document.querySelector("main .loading") === null;
  });
  await open?.(page);
  const shown = open === undefined ? page.locator("main") : page.locator("dialog, [role=menu]");
  await shown.getByText(text).filter({ visible: true }).first().waitFor();
}

async function seed({ skiff }: Dashboard): Promise<Ids> {
  const send = async (method: string, path: string, body: unknown = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "content-type": text === body ? "text/plain" : "application/json" };
    const response = await fetch(`${skiff.url}${path}`, { method, body: text, headers });
    const answer = await response.text();
    assert.ok(response.ok || path.startsWith("/fn/"), `${method} ${path}: ${response.status} ${answer}`);
    return answer;
  };
  const json = async (...request: Parameters<typeof send>) =>
    JSON.parse(await send(...request)) as Record<string, string>;
  await send("PUT", "/secret/db-password", "correct horse");
  await skiff.deploy("hello", HELLO, "secrets=db-password");
  await skiff.deploy("hello", `${HELLO}// again`, "secrets=db-password&message=Again");
  await send("POST", "/fn/hello", "good");
  await send("POST", "/fn/hello", "bad");
  await (await fetch(`${skiff.url}/git/hello.git/info/refs?service=git-upload-pack`)).arrayBuffer();
  await send("PUT", "/topic/orders");
  await send("PUT", "/subscription/stock", { topic: "orders", function: "hello" });
  await send("POST", "/topic/orders", { order: 17 });
  await send("PUT", "/schedule/nightly", { cron: "0 3 * * *", call: { function: "hello" } });
  await send("PUT", "/flow/order", ORDER);
  await send("POST", "/key", { name: "shop", scopes: ["call"] });
  const [{ id: dead }, { id: waiting }, { id: failed }] = await Promise.all([
    json("POST", "/async/fn/hello?attempts=1", "bad"),
    json("POST", "/flow/order/run", { say: "good" }),
    json("POST", "/flow/order/run", { say: "bad" }),
  ]);
  const stateOf = async (path: string) =>
    ((await (await fetch(`${skiff.url}${path}`)).json()) as { state: string }).state;
  for (const [path, state] of [
    [`/call/${dead}`, "dead"],
    [`/flow/order/run/${waiting}`, "waiting"],
    [`/flow/order/run/${failed}`, "failed"],
  ] as const)
    await eventually(`${path} is ${state}`, async () => (await stateOf(path)) === state, 30_000);
  return { dead: dead!, waiting: waiting!, failed: failed! };
}
