import assert from "node:assert/strict";
import { Problem } from "../../../platform/problems.ts";
import { publish, servingOf, wake } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function waking(subject: Subject): void {
  const { able, draft } = subject;
  const idle = { idleMs: 100 };

  describe("wake", () => {
    it("rejects with unknown_function when there is no such function", async () => {
      await assert.rejects(wake(subject.platform, "wake-never-was"), { code: "unknown_function" });
    });

    it("resolves at once when an instance is ready", async () => {
      const { platform } = subject;
      await publish(platform, draft("wake-ready", "one"));
      const before = platform.endpoints("wake-ready");
      await wake(platform, "wake-ready");
      assert.equal(platform.endpoints("wake-ready"), before);
    });

    it("makes one instance ready, however many wait for it", async () => {
      const { platform } = subject;
      await publish(platform, draft("wake-many", "one", idle));
      await subject.toZero(platform, "wake-many");
      assert.deepEqual(servingOf(platform, "wake-many")?.instances, []);
      await Promise.all(Array.from({ length: 50 }, () => wake(platform, "wake-many")));
      assert.equal(servingOf(platform, "wake-many")?.instances.length, 1);
    });

    able.runsCode("says how long its instance took to start", async () => {
      const { platform } = subject;
      await publish(platform, draft("wake-steps", "one", idle));
      await subject.toZero(platform, "wake-steps");
      const steps = (await wake(platform, "wake-steps")) ?? [];
      // A pod of a pool has started before, and loads the version.
      const last = steps.find(({ name }) => name === "start" || name === "load");
      assert.ok(last!.atMs > 0, JSON.stringify(steps));
      assert.deepEqual(await wake(platform, "wake-steps"), []);
    });

    it("rejects with no_capacity and the time to try again when it does not start", async () => {
      const { platform } = subject;
      await publish(platform, draft("wake-broken", "one", idle));
      await subject.toZero(platform, "wake-broken");
      await subject.breakStarts(platform, "wake-broken");
      const error = await wake(platform, "wake-broken").catch((error: unknown) => error);
      assert.ok(error instanceof Problem, String(error));
      assert.equal(error.code, "no_capacity");
      assert.ok(error.extensions.retryAfterS! >= 1);
      assert.deepEqual(servingOf(platform, "wake-broken")?.instances, []);
      assert.equal((await platform.describe("wake-broken"))?.ready, 0);
    });

    it("is possible again after a new version was published", async () => {
      const { platform } = subject;
      await publish(platform, draft("wake-mended", "one", idle));
      await subject.toZero(platform, "wake-mended");
      await subject.breakStarts(platform, "wake-mended");
      await assert.rejects(wake(platform, "wake-mended"), { code: "no_capacity" });
      await publish(platform, draft("wake-mended", "two", idle));
      await subject.toZero(platform, "wake-mended");
      if (platform.abilities.scalesToZero) await wake(platform, "wake-mended");
      assert.equal((await platform.describe("wake-mended"))?.version, 2);
    });

    able.runsCode("that waits is rejected when the function is removed meanwhile", async () => {
      const { platform } = subject;
      // No pod that waits in a pool has as much memory: one of those would be quicker than the removal.
      await publish(platform, draft("wake-removed", "one", { ...idle, memoryMiB: 160 }));
      await subject.toZero(platform, "wake-removed");
      const woken = assert.rejects(wake(platform, "wake-removed"), { code: "unknown_function" });
      await platform.remove("wake-removed");
      await woken;
    });
  });
}
