import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { call, callFor } from "../../../support/instances/call-instance.ts";
import { needsLinux } from "../../../support/not-tried.ts";
import { StartedHost, shellOrder } from "../../../support/programs/started-host.ts";

const MIB = 1024 ** 2;
/** SKIFF_TEST_LARGE_MIB: more, such as 1024. */
const MOST_MIB = Number(process.env.SKIFF_TEST_LARGE_MIB ?? 100);
const MOST_GROWTH_MIB = 64;
const WAITS = { "x-skiff-wait": "5000" };

describe("a large body of a program", () => {
  let host: StartedHost;
  before(async function () {
    needsLinux(this, "sizes of processes in /proc");
    host = await StartedHost.start({ host: shellOrder('eval "$HTTP_X_SCRIPT"', { timeoutMs: 600_000 }) });
    await call(host.address, { headers: { "x-script": "true" } });
  });
  after(() => host?.close());

  const heldMiB = () =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${host.child.pid}/status`, "utf8"))![1]) / 1024;

  it("comes out with little memory, also to a client that does not read at first", async () => {
    const before = heldMiB();
    const bytes = MOST_MIB * MIB;
    const response = await callFor(host.address, {
      headers: { "x-script": `head -c ${bytes} /dev/zero`, ...WAITS },
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    let received = 0;
    response.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    await once(response, "end");
    assert.equal(received, bytes);
    assert.ok(heldMiB() - before < MOST_GROWTH_MIB, `from ${before} to ${heldMiB()} MiB`);
  });

  it("goes in with little memory, also to a program that does not read at first", async () => {
    const before = heldMiB();
    const headers = { "x-script": "sleep 0.2; wc -c", ...WAITS };
    const asked = request({ socketPath: host.address.unix, method: "POST", headers, agent: false });
    const answered = once(asked, "response");
    const chunk = Buffer.alloc(MIB);
    for (let sent = 0; sent < MOST_MIB; sent++) if (!asked.write(chunk)) await once(asked, "drain");
    asked.end();
    const [response] = await answered;
    assert.equal((await text(response)).trim(), String(MOST_MIB * MIB));
    assert.ok(heldMiB() - before < MOST_GROWTH_MIB, `from ${before} to ${heldMiB()} MiB`);
  });
});
