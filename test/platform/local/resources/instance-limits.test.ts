import assert from "node:assert/strict";
import { instanceLimits } from "../../../../platform/local/resources/instance-limits.ts";

describe("the limits of an instance", () => {
  it("leave open files for the calls that it may have", () => {
    assert.deepEqual(instanceLimits({ concurrency: 1 }), { openFiles: 514 });
    assert.deepEqual(instanceLimits({ concurrency: 100 }), { openFiles: 712 });
  });
});
