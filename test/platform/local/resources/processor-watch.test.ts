import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { InstanceResources } from "../../../../platform/local/resources/instance-resources.ts";
import {
  ProcessorWatch,
  type WatchedProcessor,
  yields,
} from "../../../../platform/local/resources/processor-watch.ts";
import { Resources } from "../../../../platform/local/resources/resources.ts";
import { eventually } from "../../../support/eventually.ts";
import { needsLinux } from "../../../support/not-tried.ts";

describe("an instance that yields the processor", () => {
  const use = { forMs: 1_000, usedMs: 100, wantedMs: 100 };

  it("is one that computes nearly all the time, or would if it could", () => {
    assert.equal(yields(false, use), false);
    assert.equal(yields(false, { ...use, usedMs: 790 }), false);
    assert.equal(yields(false, { ...use, usedMs: 800 }), true);
    assert.equal(yields(false, { ...use, wantedMs: 950 }), true);
    assert.equal(yields(false, { ...use, usedMs: 1_900, wantedMs: undefined }), true);
  });

  it("does so until it rests for half of the time", () => {
    assert.equal(yields(true, { ...use, wantedMs: 600 }), true);
    assert.equal(yields(true, { ...use, wantedMs: 499 }), false);
  });
});

describe("the watch over the processor", () => {
  class FakeResources implements WatchedProcessor {
    readyAtMs: number | undefined = 0;
    usedMs = 0;
    demandMs = 0;
    readonly told: boolean[] = [];
    readonly resources = {
      processor: () => ({ usedMs: this.usedMs, runs: true }),
      threadDemand: () => new Map([[1, this.demandMs]]),
      yieldProcessor: (yields: boolean) => void this.told.push(yields),
    };

    /** A second in which it used and wanted so much. */
    second(watch: ProcessorWatch, nowMs: number, usedMs: number, demandMs = usedMs): void {
      this.usedMs += usedMs;
      this.demandMs += demandMs;
      watch.tick([this], nowMs, 1_000);
    }
  }

  function seconds(instance: FakeResources, ...each: (readonly [usedMs: number, demandMs?: number])[]): void {
    const watch = new ProcessorWatch();
    let nowMs = 0;
    for (const [usedMs, demandMs] of each) {
      nowMs += 1_000;
      instance.second(watch, nowMs, usedMs, demandMs);
    }
  }

  it("tells one that spins to yield, once, and takes it back when it rests", () => {
    const instance = new FakeResources();
    seconds(instance, [0], [1_000], [1_000], [1_000], [100], [0]);
    assert.deepEqual(instance.told, [true, false]);
  });

  it("finds one that spins beside others, by what it waits for", () => {
    const instance = new FakeResources();
    seconds(instance, [0], [200, 1_000], [200, 1_000], [200, 1_000]);
    assert.deepEqual(instance.told, [true]);
  });

  it("leaves one alone that works and rests", () => {
    const instance = new FakeResources();
    seconds(instance, [0], [700], [400, 700], [700], [10]);
    assert.deepEqual(instance.told, []);
  });

  it("does not hold a start against anybody, unless it takes much longer than starts do", () => {
    const instance = new FakeResources();
    instance.readyAtMs = undefined;
    seconds(instance, [0], [900]);
    assert.deepEqual(instance.told, []);
    seconds(instance, [0], [900], [900]);
    assert.deepEqual(instance.told, [true]);
  });
});

describe("processes that share the processor", () => {
  let folder: string;
  let children: ChildProcess[];
  let opened: InstanceResources[];
  beforeEach(function () {
    needsLinux(this, "times of processes in /proc");
    folder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-processor-")));
    children = [];
    opened = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "close")));
    for (const resources of opened) assert.equal(await resources.release(), undefined);
    rmSync(folder, { recursive: true, force: true });
  });

  for (const useGroups of [true, false]) {
    it(`are found when they spin, more of them than processors ${useGroups ? "in groups" : "without groups"}`, async () => {
      const all = new Resources(folder, { useGroups });
      const start = async (code: string) => {
        const child = spawn(process.execPath, ["-e", code], { detached: true, stdio: "ignore" });
        children.push(child);
        const resources = all.open(String(child.pid));
        opened.push(resources);
        await resources.join({ pid: child.pid!, memoryFolders: [] });
        return resources;
      };
      const spinning = await Promise.all(
        Array.from({ length: 2 * availableParallelism() }, () => start("for (;;);")),
      );
      const resting = await start("setInterval(() => {}, 100);");
      const told = new Set<InstanceResources>();
      const watched = [...spinning, resting].map((resources) => ({
        readyAtMs: 0,
        resources: {
          processor: () => resources.processor(),
          threadDemand: () => resources.threadDemand(),
          yieldProcessor: (yields: boolean) => {
            resources.yieldProcessor(yields);
            if (yields) told.add(resources);
            else told.delete(resources);
          },
        },
      }));
      const watch = new ProcessorWatch();
      const timer = setInterval(() => watch.tick(watched, performance.now(), 1_000), 300);
      try {
        await eventually("all that spin yield", () => spinning.every((each) => told.has(each)));
        assert.equal(told.has(resting), false);
      } finally {
        clearInterval(timer);
      }
    });
  }
});
