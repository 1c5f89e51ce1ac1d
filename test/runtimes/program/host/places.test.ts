import assert from "node:assert/strict";
import { PROBE_HEADER, PROBE_PATH } from "../../../../client-image/start-message.ts";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { HeldCall } from "../../../support/instances/held-call.ts";
import { type HostOptions, StartedHost, shellOrder } from "../../../support/programs/started-host.ts";

describe("the places of a program host", () => {
  const started: StartedHost[] = [];
  after(() => Promise.all(started.map((each) => each.close())));

  async function start(more: Partial<HostOptions> = {}): Promise<StartedHost> {
    const host = await StartedHost.start({ host: shellOrder("echo $PATH_INFO >&2; cat"), ...more });
    started.push(host);
    return host;
  }
  const probe = (host: StartedHost, headers: Record<string, string> = {}) =>
    call(host.address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1", ...headers } });
  const isBusy = ({ status, headers }: Awaited<ReturnType<typeof call>>) =>
    status === 503 && headers["x-skiff-busy"] === "1";

  it("are exact with many callers, all of whom are answered", async () => {
    const host = await start({
      host: shellOrder("ls -d /proc/[0-9]* > /dev/null; echo done"),
      concurrency: 2,
    });
    const headers = { "x-skiff-wait": "5000" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(host.address, { headers })));
    assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(["done\n"]));
  });

  it("can be reserved for a call, which comes afterwards", async () => {
    const host = await start();
    const reserved = await probe(host, { "x-skiff-place": "mine" });
    assert.deepEqual([reserved.status, reserved.headers["x-skiff-place"]], [204, "mine"]);
    assert.ok(isBusy(await call(host.address, { path: "/other" })));
    const headers = { "x-skiff-call-id": "mine" };
    assert.equal((await call(host.address, { method: "POST", body: "hi", headers })).text, "hi");
  });

  it("are free again when the router gives up a call that waits", async () => {
    const host = await start();
    const held = new HeldCall(host.address, "/held");
    await held.response;
    const waiting = call(host.address, {
      path: "/waits",
      headers: { "x-skiff-wait": "5000", "x-skiff-call-id": "waits" },
    });
    await eventually("it has left", async () => {
      await probe(host, { "x-skiff-gone": "waits" });
      return (await Promise.race([waiting, probe(host)])).status === 503;
    });
    assert.equal((await held.end()).text, "body ended");
    assert.ok(!host.log.includes("/waits"));
  });

  it("are one for its life if its instance gets one call", async () => {
    const host = await start({ isOnce: true });
    const held = new HeldCall(host.address, "/only");
    await held.response;
    assert.ok(host.hasPrinted("spent"));
    for (const headers of [{}, { "x-skiff-wait": "5000" }]) {
      assert.ok(isBusy(await call(host.address, { path: "/second", headers })));
    }
    assert.ok(isBusy(await probe(host, { "x-skiff-place": "second" })));
    assert.equal((await held.end()).text, "body ended");
    await eventually("the host has ended", () => host.hasEnded);
    assert.equal(host.child.exitCode, 0);
    assert.ok(!host.log.includes("/second"));
  });

  it("end the instance with one call also when that fails or its client leaves", async () => {
    const failing = await start({ host: shellOrder("exit 3"), isOnce: true });
    assert.equal((await call(failing.address)).status, 500);
    const left = await start({ isOnce: true });
    const held = new HeldCall(left.address);
    await held.response;
    held.request.destroy();
    for (const host of [failing, left]) {
      await eventually("the host has ended", () => host.hasEnded);
      assert.equal(host.child.exitCode, 0);
    }
  });
});
