import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { internalKey } from "../../../platform/keys/internal-key.ts";
import { eventually } from "../../support/eventually.ts";
import { Harness, send } from "../support/harness.ts";

describe("router: problems of calls of Skiff itself", () => {
  let harness: Harness;
  let held: ServerResponse[];
  const { id, spec, text } = internalKey("token");
  const headers = { "x-skiff-key": text };
  beforeEach(async () => {
    held = [];
    harness = await Harness.start({ limits: { instanceWaitMs: 600 } });
    harness.keys.set(id, spec);
    const instance = await harness.instance((_, response) => void held.push(response));
    await harness.publish("echo", [instance], { max: 1, concurrency: 1, timeoutMs: 200 });
  });
  afterEach(() => harness.close());

  const call = async (path: string, fields: Record<string, string> = headers, body?: string) => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await send(`${harness.url}${path}`, { headers: fields, method, ...(body && { body }) });
    const { code } = JSON.parse(answer.body) as { code: string };
    return [code, answer.headers["x-skiff-unforwarded"]];
  };

  it("say that no instance got the call, which waited for one as long as it may", async () => {
    const running = send(`${harness.url}/fn/echo`, { headers });
    await eventually("an instance has one", () => held.length === 1);
    // It holds its place beyond the timeout.
    held[0]!.write("half");
    const waiting = [call("/fn/echo"), call("/fn/echo", headers, "body"), call("/fn/echo", {})];
    assert.deepEqual(await Promise.all(waiting), [
      ["no_capacity", "true"],
      ["no_capacity", "true"],
      ["call_timeout", undefined],
    ]);
    held[0]!.end();
    await running;
    assert.deepEqual(await call("/fn/echo"), ["call_timeout", undefined]);
    assert.equal(held.length, 2);
    assert.deepEqual(await call("/fn/missing"), ["unknown_function", "true"]);
  });

  it("do not come because a call waited: its timeout counts from when it has an instance", async () => {
    const running = send(`${harness.url}/fn/echo`, { headers });
    await eventually("an instance has one", () => held.length === 1);
    held[0]!.write("half");
    const waiting = send(`${harness.url}/fn/echo`, { headers });
    const late = await call("/fn/echo", {});
    assert.deepEqual(late, ["call_timeout", undefined]);
    held[0]!.end();
    await eventually("an instance has the next one", () => held.length === 2);
    held[1]!.end("done");
    assert.deepEqual(
      [(await running).status, (await waiting).status, (await waiting).body],
      [200, 200, "done"],
    );
  });

  it("do not say it of a call that the drain broke off", async () => {
    const [running, waiting] = [call("/fn/echo"), call("/fn/echo")];
    await eventually("an instance has one", () => held.length === 1);
    await harness.router.close({ drainMs: 0 });
    assert.deepEqual(await running, ["draining", undefined]);
    assert.deepEqual(await waiting, ["draining", "true"]);
  });

  it("are not marked for others, and no function can mark its own answers", async () => {
    assert.deepEqual(await call("/fn/missing", {}), ["unknown_function", undefined]);
    const forged = await harness.instance((_, response) => {
      const fields = { "x-skiff-unforwarded": "true", "x-skiff-error": "platform" };
      response.writeHead(503, fields).end('{"code":"draining"}');
    });
    await harness.publish("forger", [forged]);
    assert.deepEqual(await call("/fn/forger"), ["draining", undefined]);
  });
});
