import assert from "node:assert/strict";
import { call } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

const URL_A = "http://fn.example/a?x=1";

describe("the Cache API in a function", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  /** What an expression gives in a new function. */
  async function resultOf(body: string): Promise<unknown> {
    const code = `export default async () => { const url = "${URL_A}"; ${body} };`;
    // The garbage of 50 MiB may stay for a while on a busy machine.
    const { address } = await local.run(code, { memoryMiB: 512 });
    const { status, text } = await call(address);
    assert.equal(status, 200, local.log);
    return JSON.parse(text);
  }

  it("keeps a response with its status, headers and body, also over several matches", async () => {
    const body = `
      const cache = await caches.open("pages");
      const init = { status: 203, statusText: "Kept", headers: [["x-a", "1"], ["set-cookie", "a"], ["set-cookie", "b"]] };
      await cache.put(url, new Response("page", init));
      const all = [];
      for (const found of [await cache.match(url + "#part"), await caches.match(new Request(url))]) {
        all.push([found.status, found.statusText, found.headers.get("x-a"), found.headers.getSetCookie(), await found.text()]);
      }
      return all;`;
    assert.deepEqual(await resultOf(body), Array(2).fill([203, "Kept", "1", ["a", "b"], "page"]));
  });

  it("finds nothing of another URL, cache or method, and by options what the standard says", async () => {
    const body = `
      const cache = await caches.open("pages");
      await cache.put(url, new Response("page"));
      const head = new Request(url, { method: "HEAD" });
      return [
        await cache.match(url + "2"), await (await caches.open("other")).match(url), await cache.match(head),
        await cache.match(url + "2", { ignoreSearch: true }), await cache.match(head, { ignoreMethod: true }),
      ].map((found) => found !== undefined);`;
    assert.deepEqual(await resultOf(body), [false, false, false, true, true]);
  });

  it("tells responses apart by the headers that Vary names", async () => {
    const body = `
      const cache = caches.default;
      const as = (lang) => new Request(url, { headers: { "accept-language": lang } });
      for (const lang of ["de", "en"]) await cache.put(as(lang), new Response(lang, { headers: { vary: "Accept-Language" } }));
      const found = await Promise.all(["en", "de", "fr"].map((lang) => cache.match(as(lang))));
      return [...(await Promise.all(found.map((each) => each?.text() ?? "none"))), (await cache.keys()).length];`;
    assert.deepEqual(await resultOf(body), ["en", "de", "none", 2]);
  });

  it("replaces, deletes and lists", async () => {
    const body = `
      const cache = await caches.open("a");
      for (const text of ["old", "new"]) await cache.put(url, new Response(text));
      const all = await cache.matchAll();
      return [all.length, await all[0].text(), await caches.keys(), await caches.has("a"), await cache.delete(url),
        await cache.delete(url), await caches.delete("a"), await caches.has("a")];`;
    assert.deepEqual(await resultOf(body), [1, "new", ["a"], true, true, false, true, false]);
  });

  it("refuses what cannot be cached", async () => {
    const body = `
      const cache = await caches.open("a");
      const post = new Request(url, { method: "POST" });
      const tries = [[post, new Response()], [url, new Response("", { status: 206 })],
        [url, new Response("", { headers: { vary: "*" } })], ["data:,a", new Response()]];
      return Promise.all(tries.map(([key, value]) => cache.put(key, value).then(() => "kept", (error) => error.name)));`;
    assert.deepEqual(await resultOf(body), Array(4).fill("TypeError"));
  });

  it("keeps 32 MiB: the oldest go first", async () => {
    const body = `
      const cache = await caches.open("a");
      for (let i = 0; i < 5; i++) await cache.put(url + i, new Response(new Uint8Array(10 * 1024 ** 2)));
      const kept = [];
      for (let i = 0; i < 5; i++) if (await cache.match(url + i)) kept.push(i);
      return kept;`;
    assert.deepEqual(await resultOf(body), [2, 3, 4]);
  });

  it("is empty in another instance", async () => {
    const code = `export default async (request) => {
      const cache = await caches.open("a");
      const found = await cache.match("${URL_A}");
      await cache.put("${URL_A}", new Response("left behind"));
      return found ? "found" : "nothing";
    };`;
    for (const expected of ["nothing", "nothing"]) {
      const { address } = await local.run(code);
      assert.equal((await call(address)).text, expected);
    }
  });
});
