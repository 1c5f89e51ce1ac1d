import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { Router } from "../../../router/router.ts";
import { CallServer } from "../../../router/server/call-server.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";
import { send } from "../support/harness.ts";

const CODE = `
  let calls = 0;
  let most = 0;
  export default async (request) => {
    if (new URL(request.url).pathname === "/most") return String(most);
    most = Math.max(most, ++calls);
    const body = await request.text();
    await new Promise((resolve) => setTimeout(resolve, 2));
    calls--;
    return String(body.length);
  };
`;

describe("two routers in front of one instance", () => {
  let local: TemporaryLocalPlatform;
  const routers: { router: Router; server: CallServer; url: string }[] = [];
  before(async () => {
    local = await TemporaryLocalPlatform.open();
    const limits = limitsFromEnv({});
    for (let i = 0; i < 2; i++) {
      const router = new Router({ platform: local.platform, limits, print: (line) => assert.fail(line) });
      const server = new CallServer({ router, limits }).listen(0, "127.0.0.1");
      await once(server, "listening");
      routers.push({ router, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    }
  });
  after(async () => {
    for (const { router, server } of routers) {
      await router.close({ drainMs: 1 });
      server.closeAllConnections();
      server.close();
    }
    await local.close();
  });

  for (const concurrency of [1, 3]) {
    it(`keep a concurrency of ${concurrency}, and lose no call`, async () => {
      const name = `exact${concurrency}`;
      await local.publish(draftOf(name, CODE, { concurrency, max: 1, min: 1 }));
      const calls = Array.from({ length: 48 }, async (_, index) => {
        const { url } = routers[index % 2]!;
        const length = [0, 10, 5_000, 200_000][index % 4]!;
        const chunked = index % 8 === 7 ? { "transfer-encoding": "chunked" } : {};
        const headers =
          length === 0 ? {} : { ...chunked, ...(index % 8 === 7 ? {} : { "content-length": length }) };
        const method = length === 0 ? "GET" : "POST";
        const answer = await send(`${url}/fn/${name}/${index}`, {
          method,
          headers,
          body: "x".repeat(length),
        });
        return [answer.status, answer.body, length] as const;
      });
      for (const [status, body, length] of await Promise.all(calls)) {
        assert.deepEqual([status, body], [200, String(length)]);
      }
      assert.equal((await send(`${routers[0]!.url}/fn/${name}/most`)).body, String(concurrency));
    });
  }
});
