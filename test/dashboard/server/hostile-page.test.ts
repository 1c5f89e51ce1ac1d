import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { needsBrowser, startChromium } from "../../support/browser/chromium.ts";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

/** A page, a worker of it, and answers that try to act on whoever asks. */
const EVIL = `export default (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/worker.js") {
    const headers = { "content-type": "text/javascript", "service-worker-allowed": "/" };
    return new Response("self.addEventListener('fetch', (e) => e.respondWith(new Response('taken')));", { headers });
  }
  if (pathname === "/act") {
    return new Response(null, { status: 302, headers: {
      location: "/taken", "set-cookie": "acted=1; Path=/", "clear-site-data": '"*"', refresh: "0;url=/taken",
    } });
  }
  return new Response("<!doctype html><title>evil</title>", { headers: { "content-type": "text/html" } });
};`;

describe("a page of a function in the browser of somebody who is signed in", function () {
  this.timeout(90_000);
  let skiff: StartedSkiff;
  let browser: Browser;
  let context: BrowserContext;
  let dashboard: Page;
  let evil: Page;
  let origin: string;

  before(async function () {
    needsBrowser(this);
    skiff = await startedSkiff({ dashboardPort: 0 });
    assert.equal((await skiff.deploy("evil", EVIL)).status, 201);
    browser = await startChromium();
    context = await browser.newContext();
    ({ origin } = new URL(skiff.dashboardUrl!));
    dashboard = await context.newPage();
    await dashboard.goto(skiff.dashboardUrl!);
    await eventually("it is signed in", async () => (await credential()) !== null, 30_000);
    evil = await context.newPage();
    await evil.goto(`${skiff.url}/fn/evil`);
  });
  after(async () => {
    await browser?.close();
    await skiff?.close();
  });

  const credential = () => dashboard.evaluate<string | null>("localStorage.getItem('skiff.credential')");
  /** What a script on the page of the function results in; an error is its text. */
  const attempt = (script: string) =>
    evil.evaluate<unknown>(`(async () => { ${script} })().catch((error) => "error " + error.name)`);
  /** What became of Skiff, by the API alone. */
  const state = async () => {
    const read = async (path: string) => (await (await fetch(`${skiff.url}${path}`)).json()) as object;
    return JSON.stringify([await read("/func"), await read("/key"), await read("/audit")]);
  };

  it("reads nothing of the dashboard, and changes nothing through it", async () => {
    const before = (await state()).replaceAll(/"lastUsedAt":"[^"]*"/g, "");
    const paths = ["/", "/api/func", "/session/config", "/api/key", "/try"];
    for (const path of paths) {
      const url = JSON.stringify(`${origin}${path}`);
      for (const init of [
        `{}`,
        `{ credentials: "include" }`,
        `{ headers: { authorization: "Bearer x" } }`,
        `{ method: "POST", body: "{}", headers: { "x-skiff-try": "e30" } }`,
        `{ method: "DELETE" }`,
      ])
        assert.equal(
          await attempt(`return (await fetch(${url}, ${init})).status`),
          "error TypeError",
          path + init,
        );
      const opaque = await attempt(
        `const r = await fetch(${url}, { mode: "no-cors", credentials: "include", method: "POST", body: "x" });
         return [r.type, await r.text()];`,
      );
      // The browser drops the answer by its policy, or shows nothing of it.
      assert.ok(["error TypeError", "opaque,"].includes(String(opaque)), `${path} ${opaque}`);
    }
    const page = await (await fetch(origin)).text();
    const script = `${origin}/assets/${/assets\/(main-\w+\.js)/.exec(page)![1]}`;
    const loads = `const load = (tag, from) => new Promise((done) => {
      const it = document.createElement(tag);
      it.onload = () => done("loaded"); it.onerror = () => done("failed");
      Object.assign(it, from); document.head.append(it);
    });`;
    assert.equal(await attempt(`${loads} return load("script", { src: "${script}" })`), "failed");
    assert.equal(await attempt(`return import("${script}")`), "error TypeError");
    const socket = `return new Promise((done) => {
      const it = new WebSocket("${origin.replace("http", "ws")}/api/func");
      it.onopen = () => done("open"); it.onerror = () => done("failed");
    })`;
    assert.equal(await attempt(socket), "failed");
    assert.equal((await state()).replaceAll(/"lastUsedAt":"[^"]*"/g, ""), before);
  });

  it("frames it nowhere, and posts no form to it", async () => {
    await attempt(`
      for (const path of ["/", "/keys", "/api/func"]) {
        const it = document.createElement("iframe"); it.src = "${origin}" + path; document.body.append(it);
      }`);
    await eventually("the frames are refused", () => evil.frames().length === 4);
    await eventually("no frame has the dashboard", () =>
      evil
        .frames()
        .slice(1)
        .every((frame) => frame.url().startsWith("chrome-error:")),
    );
    const posted = context.waitForEvent("page");
    await attempt(`
      const form = document.createElement("form");
      form.method = "POST"; form.action = "${origin}/api/func?name=taken"; form.target = "_blank";
      form.enctype = "text/plain"; document.body.append(form); form.submit();`);
    const popup = await posted;
    await popup.waitForLoadState();
    assert.match(await popup.locator("body").innerText(), /"status":403/);
    await popup.close();
    assert.equal((await fetch(`${skiff.url}/func/taken`)).status, 404);
  });

  it("has no handle of a tab of it, and no message from there is heard", async () => {
    const opening = context.waitForEvent("page");
    await attempt(`window.opened = window.open("${origin}/", "target"); return 1;`);
    const tab = await opening;
    await tab.locator("main").waitFor();
    // The dashboard is in another group of windows: the opener has a closed one.
    await eventually("the handle is dead", async () => (await attempt("return opened.closed")) === true);
    assert.equal(await attempt("return opened.document.title"), "error SecurityError");
    assert.equal(await attempt(`opened.postMessage({ login: "x" }, "*"); return opened.length;`), 0);
    assert.equal(await tab.evaluate("window.opener"), null);
    assert.equal(await tab.evaluate("window.name"), "");
    assert.equal(await tab.evaluate("localStorage.getItem('skiff.credential')"), await credential());
    await tab.close();
  });

  it("has neither its storage, nor a worker there, nor a cookie that it would send", async () => {
    assert.equal(await attempt("return localStorage.getItem('skiff.credential')"), null);
    assert.equal(
      await attempt("return [...Object.keys(localStorage), ...Object.keys(sessionStorage)].length"),
      0,
    );
    const register = (url: string) =>
      attempt(`await navigator.serviceWorker.register("${url}"); return "done";`);
    assert.equal(await register(`${origin}/fn/evil/worker.js`), "error SecurityError");
    // One of its own works, and rules its own origin alone.
    await attempt(`await navigator.serviceWorker.register("/fn/evil/worker.js", { scope: "/" });`);
    await attempt(`document.cookie = "taken=1; path=/"; return document.cookie;`);
    await dashboard.reload();
    await dashboard.locator("main h1").first().waitFor();
    assert.notEqual(await dashboard.locator("body").innerText(), "taken");
    assert.ok(await credential());
  });

  it("signs nobody out, and nobody in as somebody else, by a link with a key", async () => {
    const mine = await credential();
    const body = JSON.stringify({ name: "theirs", scopes: ["read"] });
    const headers = { "content-type": "application/json" };
    const created = await fetch(`${skiff.url}/key`, { method: "POST", headers, body });
    const theirs = ((await created.json()) as { key: string }).key;
    const lured = await context.newPage();
    const lure = async (key: string) => {
      await lured.goto(`${skiff.url}/fn/evil`);
      await lured.evaluate(`location.href = "${origin}/#key=${key}"`);
    };
    await lure("sk_bogus");
    await lured.getByText("The key of the link is not valid").waitFor();
    assert.equal(await credential(), mine);
    await lure(theirs);
    const question = lured.getByRole("dialog");
    await question.getByText("theirs").waitFor();
    assert.equal(await credential(), mine);
    await question.getByRole("button", { name: "Cancel" }).click();
    await lured.locator("main h1").waitFor();
    assert.ok(!lured.url().includes("key"));
    assert.equal(await credential(), mine);
    assert.equal(await dashboard.getByLabel("Key or token").count(), 0);
    // Skiff restarts: nobody is signed out for that, and the page goes on by itself.
    await lured.route("**/api/whoami", (route) => route.abort());
    await lured.reload();
    await lured.getByText("You stay signed in.").waitFor();
    await lured.unroute("**/api/whoami");
    await lured.getByRole("heading", { name: "Functions", level: 1 }).waitFor();
    await lured.close();
  });

  it("does nothing to the dashboard by what it answers to a call that the dashboard tries", async () => {
    const key = await credential();
    const envelope = Buffer.from(JSON.stringify({ method: "GET", path: "/fn/evil/act" })).toString(
      "base64url",
    );
    const answer = await dashboard.evaluate<string>(`(async () => {
      const headers = { authorization: "Bearer ${key}", "x-skiff-try": "${envelope}" };
      const answer = await fetch("/try", { method: "POST", headers });
      return answer.url + " " + answer.status + " " + answer.headers.get("x-skiff-try-answer");
    })()`);
    const [url, status, text] = answer.split(" ");
    assert.deepEqual([url, status], [`${origin}/try`, "200"]);
    assert.equal((JSON.parse(Buffer.from(text!, "base64url").toString()) as { status: number }).status, 302);
    assert.equal(await credential(), key);
    // Browsers have one jar of cookies for all ports of a host. This one got none by the answer.
    const others = (await context.cookies(origin)).filter(
      ({ name, value }) => name !== "taken" || value !== "1",
    );
    assert.deepEqual(others, []);
    assert.ok(dashboard.url().startsWith(`${origin}/`));
  });
});
