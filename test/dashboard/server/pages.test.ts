import assert from "node:assert/strict";
import { type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

describe("the page of the dashboard", () => {
  let dashboard: StartedDashboard;
  before(async () => {
    dashboard = await startedDashboard((_, response) => response.end("{}"));
  });
  after(() => dashboard.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${dashboard.url}${path}`, { headers: { accept: "text/html", ...headers } });

  it("has a policy without inline code, frames and other origins, and a nonce of its own for styles", async () => {
    const nonces = new Set<string>();
    for (const path of ["/", "/functions/hello/code?file=main.ts", "/signed-in?code=1&state=2"]) {
      const response = await get(path);
      assert.equal(response.status, 200);
      const nonce = /content="([\w-]+)"/.exec(await response.text())![1]!;
      nonces.add(nonce);
      assert.equal(
        response.headers.get("content-security-policy"),
        `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; ` +
          "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; " +
          "form-action 'none'; frame-ancestors 'none'",
      );
      assert.equal(response.headers.get("cache-control"), "no-store");
    }
    assert.equal(nonces.size, 3);
  });

  it("protects every answer, and sets no cookie", async () => {
    for (const path of [
      "/",
      "/assets/main-1.js",
      "/assets/none.js",
      "/session/config",
      "/api/func",
      "/try",
    ]) {
      const { headers } = await get(path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(headers.get("x-frame-options"), "DENY", path);
      assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", path);
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
      assert.equal(headers.get("referrer-policy"), "no-referrer", path);
      assert.match(headers.get("content-security-policy")!, /frame-ancestors 'none'/, path);
      assert.equal(headers.get("access-control-allow-origin"), null, path);
      assert.equal(headers.get("set-cookie"), null, path);
    }
  });

  it("has files that browsers keep for ever, compressed for those that ask", async () => {
    const [zipped, plain] = [
      await get("/assets/main-1.js"),
      await get("/assets/main-1.js", { "accept-encoding": "br" }),
    ];
    assert.deepEqual(
      [zipped.headers.get("content-encoding"), plain.headers.get("content-encoding")],
      ["gzip", null],
    );
    assert.equal(await zipped.text(), await plain.text());
    assert.equal(plain.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(plain.headers.get("vary"), "accept-encoding");
  });

  it("is no answer for images, unknown files and other methods", async () => {
    assert.equal((await get("/favicon.ico", { accept: "image/avif,image/webp,*/*;q=0.8" })).status, 404);
    for (const path of ["/assets/", "/assets/%2e%2e%2fpackage.json", "/assets/main-1.js/"])
      assert.equal((await get(path)).status, 404, path);
    const post = await fetch(dashboard.url, { method: "POST", body: "x" });
    assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
    assert.equal((await fetch(dashboard.url, { method: "HEAD" })).status, 200);
  });

  it("is not there while its files cannot be made, and the log has the cause", async () => {
    let isBroken = true;
    const broken = await startedDashboard((_, response) => response.end("{}"), {
      assets: async () => {
        if (isBroken) throw new Error("main.tsx:3: no such module");
        return { index: "made", get: () => undefined };
      },
    });
    const response = await fetch(broken.url);
    assert.equal(response.status, 500);
    assert.ok(!(await response.text()).includes("main.tsx"));
    assert.match(broken.lines.join(), /main\.tsx:3: no such module/);
    isBroken = false;
    assert.equal(await (await fetch(broken.url)).text(), "made");
    await broken.close();
  });
});
