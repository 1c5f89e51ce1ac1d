import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** Sends any `Host`, which `fetch` does not. */
function ask(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, agent: false }, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    request.once("error", reject);
    request.end();
  });
}

/** Sends callers to https, as a site with logins does. */
const ACCOUNT = `
export default (request, context) => {
  const { url, headers } = request;
  if (headers.get("x-forwarded-proto") !== "https") {
    const host = headers.get("x-forwarded-host") ?? new URL(url).host;
    return Response.redirect("https://" + host + "/fn/account", 308);
  }
  return { url, callback: new URL("/fn/account/callback", url).href, address: context.remoteAddr.hostname };
};`;

const FROM_PROXY = {
  "x-forwarded-proto": "https",
  "x-forwarded-host": "app.example.com",
  "x-forwarded-for": "203.0.113.9",
};

for (const workers of [1, 2]) {
  describe(`Skiff behind a trusted proxy, with ${workers} router process(es)`, function () {
    this.timeout(60_000);
    let skiff: StartedSkiff;
    before(async () => {
      skiff = await startedSkiff({ workers, env: { SKIFF_TRUST_PROXY: "loopback" } });
      await skiff.deploy("account", ACCOUNT);
    });
    after(() => skiff.close());

    it("shows functions the public URL and the client", async () => {
      const { status, text } = await ask(`${skiff.url}/fn/account/a?b=1`, FROM_PROXY);
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(text), {
        url: "https://app.example.com/a?b=1",
        callback: "https://app.example.com/fn/account/callback",
        address: "203.0.113.9",
      });
    });

    it("shows http where the proxy says nothing else", async () => {
      const { status, headers } = await ask(`${skiff.url}/fn/account`, { host: "app.example.com" });
      assert.equal(status, 308);
      assert.equal(headers.location, "https://app.example.com/fn/account");
    });
  });
}

describe("Skiff with a proxy that is not an address", () => {
  for (const workers of [1, 2]) {
    it(`does not start with ${workers} router process(es), and says why`, async () => {
      const start = startedSkiff({ workers, env: { SKIFF_TRUST_PROXY: "proxy.example.com" } });
      await assert.rejects(start, /SKIFF_TRUST_PROXY: "proxy\.example\.com" is not an address or a range/);
    }).timeout(60_000);
  }
});

/** The programs that docs/proxy.md shows, in order. */
function shown(): string[] {
  const text = readFileSync(new URL("../docs/proxy.md", import.meta.url), "utf8");
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
}

describe("the base path of a function", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    const [plain = "", hono = ""] = shown();
    assert.equal((await skiff.deploy("shop", plain)).status, 201);
    assert.equal((await skiff.deploy("hono", hono)).status, 201);
  });
  after(() => skiff.close());

  for (const name of ["shop", "hono"]) {
    it(`keeps redirects of ${name} in the function, as docs/proxy.md shows`, async () => {
      const answer = await fetch(`${skiff.url}/fn/${name}`);
      assert.equal(answer.url, `${skiff.url}/fn/${name}/login`);
      assert.equal(answer.status, 200);
    });
  }

  it("keeps relative links and callbacks in the function", async () => {
    const { text } = await ask(`${skiff.url}/fn/shop/login`);
    assert.match(text, /<base href="\/fn\/shop\/">/);
    assert.ok(text.includes(`${skiff.url}/fn/shop/callback`), text);
  });
});

const WHERE = `
export default ({ url, headers }, { basePath }) =>
  ({ url, basePath, prefix: headers.get("x-forwarded-prefix") });`;

for (const workers of [1, 2]) {
  describe(`a host name of a function, with ${workers} router process(es)`, function () {
    this.timeout(60_000);
    let skiff: StartedSkiff;
    let dataFolder: string;
    before(async () => {
      dataFolder = mkdtempSync(join(tmpdir(), "skiff-hosts-"));
      skiff = await startedSkiff({ workers, dataFolder });
      assert.equal((await skiff.deploy("shop", WHERE, "hosts=app.example.com")).status, 201);
    });
    after(async () => {
      await skiff.close();
      rmSync(dataFolder, { recursive: true });
    });

    const at = (path: string, method = "GET") =>
      ask(`${skiff.url}${path}`, { host: "app.example.com" }, method);
    async function isThere(): Promise<void> {
      for (const path of ["/", "/a?b", "/func", "/fn/shop", "/healthz", "/openapi.json"]) {
        const { status, text } = await at(path);
        assert.equal(status, 200, text);
        const { url, basePath, prefix } = JSON.parse(text);
        assert.deepEqual([url, basePath, prefix], [`http://app.example.com${path}`, "", null]);
      }
    }

    it("serves it at the root, with the URL of its client", isThere);

    it("hides the management API", async () => {
      const { status, text } = await at("/func/shop", "DELETE");
      assert.equal(status, 200);
      assert.equal(JSON.parse(text).url, "http://app.example.com/func/shop");
      assert.equal((await ask(`${skiff.url}/func/shop`)).status, 200);
    });

    it("leaves the function at its path elsewhere", async () => {
      const { text } = await ask(`${skiff.url}/fn/shop/a`);
      assert.deepEqual(JSON.parse(text), { url: `${skiff.url}/a`, basePath: "/fn/shop", prefix: "/fn/shop" });
    });

    it("is kept when Skiff starts again", async () => {
      await skiff.close();
      skiff = await startedSkiff({ workers, dataFolder });
      await isThere();
    });

    it("goes with the function", async () => {
      assert.equal((await fetch(`${skiff.url}/func/shop`, { method: "DELETE" })).status, 200);
      const { status } = await at("/");
      // The management API on loopback refuses the name.
      assert.equal(status, 403);
    });
  });
}
