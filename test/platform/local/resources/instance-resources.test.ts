import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlGroup } from "../../../../platform/local/resources/control-group.ts";
import {
  InstanceResources,
  instanceLimits,
} from "../../../../platform/local/resources/instance-resources.ts";
import { Resources } from "../../../../platform/local/resources/resources.ts";
import { SmallFiles } from "../../../../process/proc/small-files.ts";
import { eventually } from "../../../support/eventually.ts";
import { needsLinux, notTried } from "../../../support/not-tried.ts";

const NO_GROUPS = "this machine lets nobody make control groups";

/** Holds a buffer of 50 MiB and says so; its child holds as much, for those who count a process alone. */
const HOLDER = `
  const { spawn } = require("node:child_process");
  const kept = Buffer.alloc(50 * 2 ** 20, 1);
  if (process.argv[1] === "parent") spawn(process.execPath, ["-e", process.env.HOLDER, "child"], { stdio: "inherit" });
  else console.log("held", kept.length);
  setInterval(() => {}, 1_000);`;

/** Waits for a line before it takes more than anybody would let it. */
const TAKER = `
  process.stdin.once("data", () => { const kept = []; for (;;) kept.push(Buffer.alloc(2 ** 20, 1)); });`;

describe("the resources of an instance", () => {
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(function () {
    needsLinux(this, "times and memory of processes in /proc");
    folder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-resources-")));
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid!, "SIGKILL");
      await once(child, "close");
    }
    child = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  function start(code: string, ...args: string[]): ChildProcess {
    const env = { ...process.env, HOLDER: code };
    child = spawn(process.execPath, ["-e", code, ...args], {
      detached: true,
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    return child;
  }

  for (const useGroups of [true, false]) {
    it(`count all processes of it ${useGroups ? "in a group" : "by sampling"}`, async () => {
      const resources = new Resources(folder, { useGroups }).open("one");
      const { pid, stdout } = start(HOLDER, "parent");
      await resources.join({ pid: pid!, memoryFolders: [] });
      await once(stdout!, "data");
      await eventually("both count", () => {
        const used = resources.measure() ?? 0;
        assert.ok(used < 400, `${used} MiB`);
        return used > 100;
      });
      process.kill(-pid!, "SIGKILL");
      await once(child!, "close");
      assert.equal(await resources.release(), undefined);
    });
  }

  it("have the processor share of Skiff until the start is over, and half of it then", () => {
    const controller = { version: 1, folder } as const;
    const files = new SmallFiles();
    for (const yields of [false, true]) {
      const name = yields ? "slow" : "usual";
      const group = new ControlGroup(files, { memory: controller, cpu: controller }, name);
      const resources = new InstanceResources(files, group);
      const shares = join(folder, name, "cpu.shares");
      assert.equal(existsSync(shares), false, "the kernel gives a new group the share of Skiff");
      resources.yieldProcessor(yields, "its start works for long");
      resources.started();
      assert.equal(readFileSync(shares, "utf8"), yields ? "26" : "512");
      resources.yieldProcessor(false, "its start works for long");
      assert.equal(readFileSync(shares, "utf8"), "512");
    }
  });

  it("yield the processor when there is a file again to say so with, and throw nothing before", () => {
    const told: boolean[] = [];
    let files = 0;
    const group = {
      yieldProcessor(yields: boolean) {
        if (files === 0) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
        told.push(yields);
        return true;
      },
      atMostMiB: () => undefined,
    };
    const resources = new InstanceResources(new SmallFiles(), group as unknown as ControlGroup);
    resources.yieldProcessor(true);
    resources.measure();
    files = 1;
    resources.measure();
    resources.measure();
    assert.deepEqual(told, [true]);
    files = 0;
    resources.endYielding();
    files = 1;
    resources.measure();
    assert.deepEqual(told, [true, false]);
  });

  it("count its files in memory without a group", async () => {
    const resources = new Resources(folder, { useGroups: false }).open("one");
    const { pid } = start(HOLDER, "child");
    const memoryFolders = ["/dev/shm", join(folder, "not-there")];
    await resources.join({ pid: pid!, memoryFolders: [] });
    const without = resources.measure()!;
    const both = new Resources(folder, { useGroups: false }).open("two");
    await both.join({ pid: pid!, memoryFolders });
    assert.ok(Math.abs(both.measure()! - without) < 100);
    await assert.doesNotReject(both.release());
  });

  it("end one that grows faster than it is sampled, and know it", async function () {
    const all = new Resources(folder);
    if (!all.hasGroups) notTried(this, NO_GROUPS);
    const resources = all.open("one");
    const taker = start(TAKER);
    resources.limit(64);
    await resources.join({ pid: taker.pid!, memoryFolders: [] });
    assert.equal(resources.ranOut, false);
    taker.stdin!.write("go\n");
    const [, signal] = await once(taker, "close");
    assert.equal(signal, "SIGKILL");
    assert.equal(resources.ranOut, true);
    assert.equal(await resources.release(), undefined);
    assert.equal(resources.measure(), undefined);
  });

  it("of a Skiff that crashed are ended and removed by the next one of the same folder, and by no other", async function () {
    const before = new Resources(folder);
    if (!before.hasGroups) notTried(this, NO_GROUPS);
    const left = start(HOLDER, "child");
    await before.open("left").join({ pid: left.pid!, memoryFolders: [] });
    const copy = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-resources-")));
    new Resources(copy);
    rmSync(copy, { recursive: true });
    assert.equal(left.signalCode, null);
    const ended = once(left, "close");
    const next = new Resources(folder);
    assert.equal((await ended)[1], "SIGKILL");
    // The group of that name is not there any more, or it could not be made.
    const again = next.open("left");
    assert.equal(again.measure(), 0);
    assert.equal(await again.release(), undefined);
  });
});

describe("the limits of an instance", () => {
  it("leave open files for the calls that it may have", () => {
    assert.deepEqual(instanceLimits({ concurrency: 1 }), { openFiles: 514 });
    assert.deepEqual(instanceLimits({ concurrency: 100 }), { openFiles: 712 });
  });
});
