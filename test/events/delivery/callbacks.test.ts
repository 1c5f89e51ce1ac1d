import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DEFAULT_RETRY, DELIVERY_RETRY } from "../../../platform/events/retry-policy.ts";
import { eventually } from "../../support/eventually.ts";
import { WorkerRig } from "../support/worker-rig.ts";

const SECRET = "a secret of the installation";

describe("a callback", () => {
  let rig: WorkerRig;
  let receiver: Server;
  let got: { headers: IncomingMessage["headers"]; url: string; body: string }[];
  let statuses: number[];
  let port: number;
  const started = async (env: Readonly<Record<string, string>> = {}) => {
    rig = new WorkerRig({
      env: { SKIFF_CALLBACK_SECRET: SECRET, SKIFF_CALLBACK_HOSTS: `127.0.0.1:${port}`, ...env },
    });
    await rig.listen();
    rig.start();
  };
  beforeEach(async () => {
    got = [];
    statuses = [];
    receiver = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += String(part);
      got.push({ headers: request.headers, url: request.url!, body });
      response.writeHead(statuses.shift() ?? 204, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    port = (receiver.address() as AddressInfo).port;
  });
  afterEach(async () => {
    await rig.close();
    receiver.closeAllConnections();
    receiver.close();
  });

  const received = async () => {
    await eventually("it arrived", () => got.length > 0).catch((error: Error) =>
      assert.fail(`${error.message} ${rig.lines}`),
    );
    return got.at(-1)!;
  };

  it("gets the answer, signed", async () => {
    await started();
    rig.answer = (_, response) =>
      void response.writeHead(201, { "content-type": "text/plain" }).end("resized");
    const [id] = await rig.enqueue({ callback: `http://127.0.0.1:${port}/hook?x=1` });
    const { headers, url, body } = await received();
    assert.deepEqual([url, body, headers["content-type"]], ["/hook?x=1", "resized", "text/plain"]);
    const own = ["skiff-call", "skiff-state", "skiff-status", "skiff-attempts", "x-skiff-key"];
    assert.deepEqual(
      own.map((name) => headers[name]),
      [id, "done", "201", "1", undefined],
    );
    assert.equal(headers.host, `127.0.0.1:${port}`);
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.resized`;
    const expected = createHmac("sha256", SECRET).update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${expected}`);
  });

  it("gets why there is no answer", async () => {
    await started();
    rig.answer = (_, response) => void response.destroy();
    const policy = { ...DEFAULT_RETRY, attempts: 2, backoffMs: 5 };
    const [id] = await rig.enqueue({ policy, callback: `http://127.0.0.1:${port}/` });
    const { headers, body } = await received();
    assert.deepEqual([headers["skiff-state"], headers["skiff-attempts"]], ["dead", "2"]);
    const document = JSON.parse(body) as Record<string, string>;
    assert.deepEqual([document.id, document.state], [id, "dead"]);
    assert.match(document.reason!, /^All 2 attempts failed\. The last one: There is no whole answer/);
  });

  it("is tried again with the same id, and redirects are not followed", async () => {
    await started();
    statuses = [503, 307];
    await rig.enqueue({ callback: `http://127.0.0.1:${port}/` });
    let dead: Awaited<ReturnType<typeof rig.sqlite.calls.list>> = [];
    await eventually("it is dead", async () => {
      dead = await rig.sqlite.calls.list({ queue: `callback/127.0.0.1:${port}`, states: ["dead"], limit: 2 });
      return dead.length === 1;
    });
    assert.deepEqual(
      got.map(({ url }) => url),
      ["/", "/"],
    );
    assert.equal(new Set(got.map(({ headers }) => headers["webhook-id"])).size, 1);
    assert.equal(dead[0]!.reason, "The answer was 307.");
    assert.deepEqual(dead[0]!.policy, DELIVERY_RETRY, "a receiver may be away for minutes");
  });

  it("waits behind no other receiver", async () => {
    await started({ SKIFF_CALLBACK_HOSTS: `127.0.0.1:${port},localhost:${port}` });
    let held = 0;
    rig.answer = (_, response) => void response.end("done");
    receiver.removeAllListeners("request");
    receiver.on("request", ({ headers, url }: IncomingMessage, response: ServerResponse) => {
      if (headers.host!.startsWith("localhost")) held++;
      else {
        got.push({ headers, url: url!, body: "" });
        response.end();
      }
    });
    const slow = { callback: `http://localhost:${port}/` };
    await rig.enqueue(...Array.from({ length: 40 }, () => slow));
    await eventually("as many as may are on their way", () => held === 32);
    await rig.enqueue({ callback: `http://127.0.0.1:${port}/quick` });
    assert.equal((await received()).url, "/quick");
    assert.equal(held, 32);
  });

  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "169.254.169.254"]) {
    it(`never goes to ${host} unless it is allowed`, async () => {
      await started({ SKIFF_CALLBACK_HOSTS: "hooks.example.com" });
      await rig.enqueue({ callback: `http://${host}:${port}/` });
      await eventually("it is dead", async () => {
        const [dead] = await rig.sqlite.calls.list({
          queue: `callback/${new URL(`http://${host}:${port}`).host}`,
          states: ["dead"],
          limit: 2,
        });
        return /is not a public address: name it in SKIFF_CALLBACK_HOSTS/.test(dead?.reason ?? "");
      });
      assert.deepEqual(got, []);
    });
  }
});
