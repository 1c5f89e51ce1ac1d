import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as send } from "node:http";
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
    }).timeout(30_000);
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
