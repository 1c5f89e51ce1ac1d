import assert from "node:assert/strict";
import {
  CALL_ID_HEADER,
  MOST_WAIT_MS,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  WAIT_HEADER,
} from "../../client-image/start-message.ts";
import { eventually } from "../support/eventually.ts";
import { call, callFor } from "../support/instances/call-instance.ts";
import { HeldCall } from "../support/instances/held-call.ts";
import { closeOf, openSocket } from "../support/instances/instance-socket.ts";
import { processesWith } from "../support/instances/processes.ts";
import { answering, draftOf } from "../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

/** Says when it is called, and when it is asked to finish, which the runtime has begun by then. */
const codeOf = (handler: string) => `
  Deno.addSignalListener("SIGTERM", () => console.log("is asked to finish"));
  const handler = ${handler};
  export default (request) => { console.log("called", request.method); return handler(request); };`;

describe("an instance that is asked to finish", () => {
  let local: TemporaryLocalPlatform;
  beforeEach(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  afterEach(() => local.close());

  async function replace(name: string): Promise<void> {
    await local.publish(draftOf(name, answering("new")));
    await local.logged("is asked to finish");
  }

  for (const [how, handler] of Object.entries({
    "reads it": "async (request) => await request.text()",
    "sends it back without waiting for anything": "(request) => new Response(request.body)",
    "sends it back through a stream": "(request) => request.body.pipeThrough(new TransformStream())",
  })) {
    it(`takes the rest of a body that is under way, when a call ${how}`, async () => {
      const { id, address } = await local.publish(draftOf("upload", codeOf(handler)));
      const held = new HeldCall(address);
      await local.logged("called POST");
      await replace("upload");
      assert.deepEqual(await held.end(), { status: 200, text: "body ended" });
      await eventually("it has ended", () => processesWith(id).length === 0);
    });
  }

  it("takes the bodies of calls that wait for a place", async () => {
    const handler = "async (request) => await request.text()";
    const { address } = await local.publish(draftOf("waiting", codeOf(handler), { concurrency: 1 }));
    const first = new HeldCall(address);
    await local.logged("called POST");
    const second = new HeldCall(address, "/", { [WAIT_HEADER]: String(MOST_WAIT_MS) });
    await call(address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1" } });
    await replace("waiting");
    for (const held of [first, second]) {
      assert.deepEqual(await held.end(), { status: 200, text: "body ended" });
    }
  });

  it("takes the call that it has reserved a place for", async () => {
    const handler = "async (request) => await request.text()";
    const { address } = await local.publish(draftOf("reserved", codeOf(handler)));
    const headers = { [PROBE_HEADER]: "1", [PLACE_HEADER]: "c-1" };
    assert.equal((await call(address, { path: PROBE_PATH, headers })).status, 204);
    await replace("reserved");
    const held = new HeldCall(address, "/", { [CALL_ID_HEADER]: "c-1" });
    assert.deepEqual(await held.end(), { status: 200, text: "body ended" });
  });

  it("closes WebSockets at once, whatever streams last", async () => {
    const handler = `(request) => request.headers.has("upgrade")
      ? Deno.upgradeWebSocket(request).response
      : new Response(new ReadableStream({ start: (it) => it.enqueue(new TextEncoder().encode("begun")) }))`;
    const { address } = await local.publish(draftOf("streams", codeOf(handler)));
    const stream = await callFor(address);
    const socket = await openSocket(address);
    const closed = closeOf(socket);
    await replace("streams");
    assert.equal((await closed).code, 1001);
    stream.destroy();
  });
});
