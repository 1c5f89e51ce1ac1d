import assert from "node:assert/strict";
import { totalmem } from "node:os";
import { LIMITS, limitsFromEnv } from "../../platform/limits.ts";

describe("the limits", () => {
  it("are those of the design", () => {
    const MiB = 1024 ** 2;
    assert.deepEqual(limitsFromEnv({}, 4_096 * MiB), {
      sourceBytes: 20 * MiB,
      specBytes: 256 * 1024,
      secretBytes: 64 * 1024,
      callBodyBytes: 100 * MiB,
      headerBytes: 32 * 1024,
      pushBytes: 256 * MiB,
      repositoryBytes: 1024 * MiB,
      gitMs: 600_000,
      gitAtOnce: 10,
      waitingCalls: 1_000,
      instanceWaitMs: 30_000,
      streamIdleMs: 300_000,
      uploadMs: 1_800_000,
      instancesPerFunction: 10,
      pageSize: 100,
      logAgeMs: 7 * 86_400_000,
      logBytes: 64 * MiB,
      queuedCalls: 100_000,
      resultBytes: 10 * MiB,
      callAgeMs: 7 * 86_400_000,
      eventCalls: 256,
      eventCallsEach: 32,
      eventBytes: MiB,
      topicAgeMs: 7 * 86_400_000,
      topicBytes: 1024 * MiB,
      flowSteps: 1_000,
      flowItems: 10_000,
      flowOutputBytes: 10 * MiB,
      flowDepth: 10,
      liveRuns: 100_000,
      runAgeMs: 30 * 86_400_000,
      runsKept: 100_000,
      flowCalls: 256,
      flowRuns: 1_000,
      scratchBytes: 256 * 1024 ** 2,
      keys: 1_000,
      attempts: 20,
      versionsKept: 20,
      buildMs: 60_000,
      buildMemoryBytes: 512 * MiB,
      buildCacheBytes: 2_048 * MiB,
      startMs: 30_000,
      drainMs: 10_000,
      memoryBytes: 3_072 * MiB,
      processes: 256,
      pullMs: 300_000,
      execMs: 60_000,
      execOutputBytes: 100 * MiB,
      execMemoryBytes: 256 * MiB,
      execsAtOnce: 10,
    });
  });

  for (const [key, [env, unit]] of Object.entries(LIMITS)) {
    it(`take ${key} from ${env}, and name it when it cannot be read`, () => {
      const [text, value] = {
        bytes: ["3Ki", 3_072],
        duration: ["3s", 3_000],
        age: ["3s", 3_000],
        count: ["3", 3],
        memory: ["3Ki", 3_072],
      }[unit] as [string, number];
      assert.equal(limitsFromEnv({ [env]: text })[key as keyof typeof LIMITS], value);
      assert.deepEqual(limitsFromEnv({ [env]: "" }), limitsFromEnv({}), "an empty variable is none");
      for (const wrong of ["0", "-1", "many", "1,5"]) {
        assert.throws(
          () => limitsFromEnv({ [env]: wrong }),
          new RegExp(`^Error: ${env}=${wrong} cannot be read`),
        );
      }
    });
  }

  it("take a share of the machine's memory, which is what its control group allows", () => {
    assert.equal(limitsFromEnv({ SKIFF_MEMORY: "50%" }, 1_000).memoryBytes, 500);
    assert.equal(limitsFromEnv({ SKIFF_MEMORY: "1Gi" }, 1_000).memoryBytes, 1024 ** 3);
    assert.throws(() => limitsFromEnv({ SKIFF_MEMORY: "101%" }), /SKIFF_MEMORY=101% .* such as 75%/);
    assert.ok(limitsFromEnv({}).memoryBytes <= (totalmem() * 3) / 4);
  });

  it("take no duration that is too long for a timer", () => {
    assert.equal(limitsFromEnv({ SKIFF_DRAIN: "576h" }).drainMs, 576 * 3_600_000);
    assert.throws(() => limitsFromEnv({ SKIFF_DRAIN: "577h" }), /SKIFF_DRAIN=577h .* at most 24 days/);
  });
});
