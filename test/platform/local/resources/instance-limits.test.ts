import assert from "node:assert/strict";
import { instanceLimits, prlimitArguments } from "../../../../platform/local/resources/instance-limits.ts";

describe("the limits of an instance's processes", () => {
  it("have room for two connections of every call, and no more than Skiff has itself", () => {
    assert.deepEqual(instanceLimits({ concurrency: 100 }), { openFiles: 712, coreBytes: 0 });
    assert.equal(instanceLimits({ concurrency: 10_000 }, 4_096).openFiles, 4_096);
  });

  it("are arguments of prlimit", () => {
    assert.deepEqual(prlimitArguments({ openFiles: 712, coreBytes: 0 }), ["--nofile=712", "--core=0"]);
  });
});
