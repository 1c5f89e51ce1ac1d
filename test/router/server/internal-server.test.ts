import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createInternalServer } from "../../../router/server/internal-server.ts";

const TOKEN = "a-token-of-the-installation";

describe("the internal port of a router", () => {
  let server: Server;
  let reason: string | undefined;
  let url: string;

  before(async () => {
    server = createInternalServer({
      token: TOKEN,
      ready: () => reason,
      metrics: async () => "skiff_calls_total 1\n",
      load: () => ({ countingForMs: 5, functions: {} }),
      usage: async (orders) => {
        if (!Object.hasOwn(orders, "a")) throw new Error("no orders");
        return [{ source: "a", batches: [], demands: {} }];
      },
      serving: (name) => ({ version: name === "hello" ? 3 : null }),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = (path: string, authorization?: string) =>
    fetch(`${url}${path}`, authorization === undefined ? {} : { headers: { authorization } });

  it("answers probes and metrics without a token", async () => {
    assert.equal((await ask("/healthz")).status, 200);
    assert.equal((await ask("/readyz")).status, 200);
    reason = "The router is leaving.";
    assert.equal((await ask("/readyz")).status, 503);
    assert.equal(await (await ask("/metrics")).text(), "skiff_calls_total 1\n");
  });

  it("tells its load and what it serves to the manager alone", async () => {
    for (const path of ["/load", "/serving/hello", "/anything"]) {
      for (const wrong of [undefined, "Bearer ", "Bearer wrong", TOKEN]) {
        assert.equal((await ask(path, wrong)).status, 401, `${path} ${wrong}`);
      }
    }
    const json = async (path: string) => (await ask(path, `Bearer ${TOKEN}`)).json();
    assert.deepEqual(await json("/load"), { countingForMs: 5, functions: {} });
    assert.deepEqual(await json("/serving/hello"), { version: 3 });
    assert.deepEqual(await json("/serving/other"), { version: null });
    assert.equal((await ask("/anything", `Bearer ${TOKEN}`)).status, 404);
  });

  it("exchanges usage with the manager alone", async () => {
    const post = (body: string, token: string) =>
      fetch(`${url}/usage`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body });
    assert.equal((await post("{}", "wrong")).status, 401);
    assert.equal((await post("no JSON", TOKEN)).status, 400);
    assert.equal((await post("{}", TOKEN)).status, 400);
    const answer = await post(JSON.stringify({ a: {} }), TOKEN);
    assert.deepEqual(await answer.json(), [{ source: "a", batches: [], demands: {} }]);
    assert.equal((await ask("/usage", `Bearer ${TOKEN}`)).status, 404);
  });
});
