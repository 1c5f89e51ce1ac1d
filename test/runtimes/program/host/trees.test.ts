import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import { MemoryKills } from "../../../../runtimes/program/host/trees/memory-kills.ts";
import { parseStat } from "../../../../runtimes/program/host/trees/process-list.ts";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { HeldCall } from "../../../support/instances/held-call.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { notTried } from "../../../support/not-tried.ts";
import { StartedHost, shellOrder } from "../../../support/programs/started-host.ts";

const ANY_SCRIPT = `eval "$(printf %s "$HTTP_X_SCRIPT")"`;
/** A namespace of process ids, in which the host is the only process besides the first one. */
const OWN_PIDS = ["bwrap", "--unshare-pid", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc"];
/** Processes of these tests sleep for a number of seconds that no others do. */
const SECONDS = 81_000_000 + (process.pid % 1_000_000);

function needsOwnPids(test: Context): void {
  const { status, stderr, error } = spawnSync("bwrap", [...OWN_PIDS.slice(1), "true"], { encoding: "utf8" });
  if (status !== 0) notTried(test, `bwrap does not run here: ${error?.message ?? stderr.trim()}`);
}

describe("the processes of a call", () => {
  const started: StartedHost[] = [];
  let count = 0;
  const sleeper = () => String(SECONDS + ++count);
  const isRunning = (seconds: string) => processesWith(`sleep\0${seconds}`).length > 0;
  const hasNone = (seconds: string) => eventually("nothing is left", () => !isRunning(seconds));

  async function start(own: boolean, more: Partial<Parameters<typeof StartedHost.start>[0]> = {}) {
    const order = shellOrder(ANY_SCRIPT, { timeoutMs: 400, ownsProcesses: own });
    const host = await StartedHost.start({ host: order, ...(own ? { inside: OWN_PIDS } : {}), ...more });
    started.push(host);
    return host;
  }
  const run = (host: StartedHost, script: string) =>
    call(host.address, { headers: { "x-script": script, "x-skiff-wait": "5000" } });

  after(() => Promise.all(started.map((each) => each.close())));

  /** Ways in which a process outlives the one that started it. `SLEEP` is a number of seconds. */
  const ESCAPES = {
    "in the background": "sleep SLEEP & wait",
    "in a session of its own": "setsid sleep SLEEP & sleep 30",
    "forked twice": "(setsid sh -c 'sleep SLEEP & exec sleep 0' &) ; sleep 30",
    "that ignores SIGTERM": "trap '' TERM HUP INT; setsid sleep SLEEP & sleep 30",
    "with an environment that was changed": "setsid env A=1 sleep SLEEP & sleep 30",
    "that holds the output open": "setsid sleep SLEEP & echo begun; sleep 30",
  };

  describe("on their own", () => {
    let host: StartedHost;
    before(async () => {
      host = await start(false);
    });
    for (const [what, script] of Object.entries(ESCAPES)) {
      it(`end with its time limit: one ${what}`, async () => {
        const seconds = sleeper();
        const { status } = await run(host, script.replace("SLEEP", seconds));
        assert.ok(status === 504 || what === "that holds the output open");
        await hasNone(seconds);
      });
      it(`end with a program that exits: one ${what}`, async () => {
        const seconds = sleeper();
        const answer = await run(
          host,
          `${script.replace("SLEEP", seconds).replace(/ (wait|sleep 30)$/, "")} sleep 0.05; echo done`,
        );
        assert.match(answer.text, /done\n$/);
        await hasNone(seconds);
      });
    }

    it("end with a client that leaves, and free its place", async () => {
      const seconds = sleeper();
      const slow = await start(false, { host: shellOrder(ANY_SCRIPT) });
      const held = new HeldCall(slow.address, "/", { "x-script": `setsid sleep ${seconds} & sleep 30` });
      await eventually("it runs", () => isRunning(seconds));
      held.request.destroy();
      await hasNone(seconds);
      assert.equal((await run(slow, "echo next")).text, "next\n");
    });

    it("end with a call that the router gives up", async () => {
      const seconds = sleeper();
      const slow = await start(false, { host: shellOrder(ANY_SCRIPT) });
      const headers = { "x-script": `sleep ${seconds} & wait`, "x-skiff-call-id": "given-up" };
      const held = new HeldCall(slow.address, "/", headers);
      await eventually("it runs", () => isRunning(seconds));
      const probe = { "x-skiff-probe": "1", "x-skiff-gone": "given-up" };
      assert.equal(
        (await call(slow.address, { path: "/.well-known/skiff-probe", headers: probe })).status,
        204,
      );
      await hasNone(seconds);
      await assert.rejects(held.end());
    });

    it("end with the platform", async () => {
      const seconds = sleeper();
      const slow = await start(false, { host: shellOrder(ANY_SCRIPT) });
      const held = new HeldCall(slow.address, "/", { "x-script": `setsid sleep ${seconds} & sleep 30` });
      await eventually("it runs", () => isRunning(seconds));
      started.splice(started.indexOf(slow), 1);
      await slow.close();
      await hasNone(seconds);
      held.request.destroy();
    });

    it("are those of one call only, while others run", async () => {
      const [mine, other] = [sleeper(), sleeper()];
      const many = await start(false, { host: shellOrder(ANY_SCRIPT), concurrency: 4 });
      const held = new HeldCall(many.address, "/", { "x-script": `setsid sleep ${other} & cat` });
      await held.response;
      await run(many, `setsid sleep ${mine} & sleep 0.05`);
      await hasNone(mine);
      assert.ok(isRunning(other));
      assert.equal((await held.end()).text, "body ended");
      await hasNone(other);
    });
  });

  describe("in process ids of their own", () => {
    before(function () {
      needsOwnPids(this);
    });

    it("end although nothing of them says whose they are", async () => {
      const seconds = sleeper();
      const host = await start(true);
      const { text } = await run(
        host,
        `(setsid env -i setsid /bin/sh -c 'sleep ${seconds} & exec true' &) ; sleep 0.1; echo done`,
      );
      assert.equal(text, "done\n");
      await hasNone(seconds);
      assert.equal((await run(host, "echo next")).text, "next\n");
    });

    it("end once older calls have ended if others always run", async () => {
      const seconds = sleeper();
      const host = await start(true, {
        host: shellOrder(ANY_SCRIPT, { ownsProcesses: true }),
        concurrency: 4,
        inside: OWN_PIDS,
      });
      const first = new HeldCall(host.address, "/", {
        "x-script": `(setsid env -i setsid sleep ${seconds} &); cat`,
      });
      await first.response;
      await eventually("it runs", () => isRunning(seconds));
      // The next call begins in another tick of the clock of processes.
      await new Promise((resolve) => setTimeout(resolve, 30));
      const second = new HeldCall(host.address, "/", { "x-script": "cat" });
      await second.response;
      await first.end();
      await hasNone(seconds);
      assert.equal((await second.end()).text, "body ended");
    });

    it("end however fast they multiply", async () => {
      const seconds = sleeper();
      const host = await start(true);
      const bomb = `b() { setsid sh -c 'sleep ${seconds}' & [ $1 -gt 0 ] && { b $(($1 - 1)) & b $(($1 - 1)) & }; wait; }; b 5`;
      assert.equal((await run(host, bomb)).status, 504);
      await hasNone(seconds);
    });

    it("are told from those of others: without them the host looks for each", async () => {
      const host = await start(false, { host: shellOrder(ANY_SCRIPT, { ownsProcesses: true }) });
      assert.match(host.log.join("\n"), /Other processes run beside the host/);
      assert.equal((await run(host, "echo alive")).text, "alive\n");
    });
  });

  it("multiply without namespaces as long as their time allows", async () => {
    const seconds = sleeper();
    const host = await start(false);
    const bomb = `b() { setsid sleep ${seconds} & [ $1 -gt 0 ] && { b $(($1 - 1)) & b $(($1 - 1)) & }; wait; }; b 4`;
    assert.equal((await run(host, bomb)).status, 504);
    await hasNone(seconds);
  });
});

describe("the kills of a control group", () => {
  it("are those that its first file counts", () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-kills-"));
    const file = join(folder, "memory.events");
    writeFileSync(file, "oom 4\noom_kill 2\noom_group_kill 9\n");
    const kills = new MemoryKills([join(folder, "missing"), file]);
    assert.equal(kills.count, 2);
    writeFileSync(file, "oom 4\noom_kill 3\n");
    assert.equal(kills.count, 3);
    assert.equal(new MemoryKills([join(folder, "missing")]).count, 0);
    rmSync(folder, { recursive: true });
  });
});

describe("the line of a process", () => {
  it("is read whatever the name of its program holds", () => {
    const fields = "S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 0 0";
    assert.deepEqual(parseStat(5, `5 (a) b) ${fields}`), {
      ...{ pid: 5, parent: 7, session: 9, startTicks: 12345, hasEnded: false },
    });
    assert.equal(parseStat(5, `5 (x) Z${fields.slice(1)}`).hasEnded, true);
  });
});
