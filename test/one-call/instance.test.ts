import assert from "node:assert/strict";
import {
  BUSY_HEADER,
  CALL_ID_HEADER,
  GONE_HEADER,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  WAIT_HEADER,
} from "../../client-image/start-message.ts";
import type { Address } from "../../platform/platform.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, call } from "../support/instances/call-instance.ts";
import { HeldCall } from "../support/instances/held-call.ts";
import { instancesIn } from "../support/instances/instance-folders.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

const CODE = `
  export default async (request) => {
    console.log("called", new URL(request.url).pathname);
    return await request.text();
  };
`;

describe("an instance with one call in its life", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const fresh = async () => {
    const { id, address } = await local.run(CODE, { isolation: "call", pool: 0 });
    return { address, ended: () => eventually("it ends", () => !instancesIn(local.dataFolder).includes(id)) };
  };
  const isRefusal = ({ status, headers }: Answer) => status === 503 && headers[BUSY_HEADER] === "1";
  const probe = (address: Address, headers: Record<string, string> = {}) =>
    call(address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1", ...headers } });

  it("refuses any other call at once, also one that would wait, and reserves no place", async () => {
    const { address, ended } = await fresh();
    const held = new HeldCall(address, "/first");
    await eventually("the call runs", () => local.log.includes("called /first"));
    for (const headers of [{}, { [WAIT_HEADER]: "5000" }]) {
      const sinceMs = performance.now();
      assert.ok(isRefusal(await call(address, { path: "/second", headers })));
      assert.ok(performance.now() - sinceMs < 4_500);
    }
    assert.ok(isRefusal(await probe(address, { [PLACE_HEADER]: "other" })));
    assert.equal((await probe(address)).status, 204);
    assert.deepEqual(await held.end(), { status: 200, text: "body ended" });
    await ended();
    assert.doesNotMatch(local.log, /called \/second/);
  });

  it("takes the call that it has reserved its place for, and no other", async () => {
    const { address, ended } = await fresh();
    assert.equal((await probe(address, { [PLACE_HEADER]: "mine" })).status, 204);
    assert.ok(isRefusal(await call(address, { path: "/overtakes" })));
    const headers = { [CALL_ID_HEADER]: "mine" };
    assert.equal(
      (await call(address, { path: "/reserved", method: "POST", body: "hi", headers })).text,
      "hi",
    );
    await ended();
  });

  it("ends without a call if the one that its place is reserved for does not come", async () => {
    const { address, ended } = await fresh();
    assert.equal((await probe(address, { [PLACE_HEADER]: "lost" })).status, 204);
    await ended();
  });

  it("ends when the router gives up a call, arrived or not", async () => {
    const running = await fresh();
    const held = new HeldCall(running.address, "/given-up", { [CALL_ID_HEADER]: "gone" });
    await eventually("the call runs", () => local.log.includes("called /given-up"));
    await probe(running.address, { [GONE_HEADER]: "unknown" });
    assert.equal((await probe(running.address)).status, 204);
    await probe(running.address, { [GONE_HEADER]: "gone" }).catch(() => {});
    await running.ended();
    held.request.destroy();
    const unused = await fresh();
    await probe(unused.address, { [GONE_HEADER]: "never" }).catch(() => {});
    await unused.ended();
  });
});
