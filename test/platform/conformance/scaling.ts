import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { currentOf, publish, report, servingOf, wake } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function scaling(subject: Subject): void {
  const { able, draft } = subject;
  const count = (name: string) => servingOf(subject.platform, name)?.instances.length ?? 0;

  describe("report", () => {
    it("of a function that does not exist does nothing", () => {
      report(subject.platform, { name: "load-never-was", inFlight: 1, waiting: 1 });
    });

    able.scalesOut("adds instances until they take all calls that are in flight or waiting", async () => {
      const { platform } = subject;
      await publish(platform, draft("load-out", "one", { concurrency: 2 }));
      report(platform, { name: "load-out", inFlight: 2, waiting: 3 });
      await eventually("three are ready", () => count("load-out") === 3);
      report(platform, { name: "load-out", inFlight: 5, waiting: 1 });
      report(platform, { name: "load-out", inFlight: 6, waiting: 1 });
      await eventually("four are ready", () => count("load-out") === 4);
    });

    able.scalesOut("never adds more than max", async () => {
      const { platform } = subject;
      await publish(platform, draft("load-max", "one", { concurrency: 1, max: 2 }));
      let most = 0;
      const stop = platform.watch((name, endpoints) => {
        if (name === "load-max") most = Math.max(most, currentOf(endpoints)?.instances.length ?? 0);
      });
      for (let waiting = 1; waiting <= 50; waiting++)
        report(platform, { name: "load-max", inFlight: 0, waiting });
      await eventually("two are ready", () => count("load-max") === 2);
      assert.equal((await platform.describe("load-max"))?.instances.length, 2);
      stop();
      assert.equal(most, 2);
    });

    able.scalesOut("of calls on one instance keeps that one when there are too many", async () => {
      const { platform } = subject;
      await publish(platform, draft("load-busy", "one", { concurrency: 1, max: 3, idleMs: 500 }));
      report(platform, { name: "load-busy", inFlight: 3, waiting: 0 });
      await eventually("three are ready", () => count("load-busy") === 3);
      const busy = servingOf(platform, "load-busy")!.instances[2]!.id;
      const byInstance = () => new Map([[busy, { calls: 1, streams: 0 }]]);
      report(platform, { name: "load-busy", inFlight: 1, waiting: 0, byInstance });
      await eventually("one is left", () => count("load-busy") === 1);
      assert.equal(servingOf(platform, "load-busy")?.instances[0]?.id, busy);
    });

    able.scalesOut("keeps min instances, also without load", async () => {
      const { platform } = subject;
      await publish(platform, draft("load-min", "one", { min: 2, idleMs: 100 }));
      assert.equal(count("load-min"), 2);
      await eventually("it was idle for long", async () => {
        const [instance] = (await platform.describe("load-min"))!.instances;
        return Date.now() - instance!.startedAt.getTime() > 600;
      });
      assert.equal(count("load-min"), 2);
    });

    able.scalesOut("keeps a pool besides the calls of a version with one call per instance", async () => {
      const { platform } = subject;
      await publish(
        platform,
        draft("load-once", "one", { isolation: "call", pool: 2, max: 4, concurrency: 9 }),
      );
      const { isOnce, concurrency } = servingOf(platform, "load-once")!;
      assert.deepEqual({ isOnce, concurrency }, { isOnce: true, concurrency: 1 });
      await eventually("the pool is there", () => count("load-once") === 2);
      report(platform, { name: "load-once", inFlight: 0, waiting: 1 });
      await eventually("a waiting call has one more", () => count("load-once") === 3);
      report(platform, { name: "load-once", inFlight: 0, waiting: 9 });
      await eventually("there are as many as max", () => count("load-once") === 4);
    });

    able.scalesToZero(
      "of no calls for the idle time brings a function to zero, and a wake brings it back",
      async () => {
        const { platform } = subject;
        await publish(platform, draft("load-zero", "one", { idleMs: 100 }));
        report(platform, { name: "load-zero", inFlight: 1, waiting: 0 });
        await eventually("a busy function was busy for long", async () => {
          const [instance] = (await platform.describe("load-zero"))!.instances;
          return Date.now() - instance!.startedAt.getTime() > 600;
        });
        assert.equal(count("load-zero"), 1, "a busy function stays");
        report(platform, { name: "load-zero", inFlight: 0, waiting: 0 });
        // Silence that is reported again and again is still silence.
        await eventually("it has no instance", () => {
          report(platform, { name: "load-zero", inFlight: 0, waiting: 0 });
          return count("load-zero") === 0;
        });
        assert.equal((await platform.describe("load-zero"))?.notReady, undefined);
        await wake(platform, "load-zero");
        assert.equal(count("load-zero"), 1);
      },
    );

    able.scalesToZero("starts instances of a function at zero by waiting calls alone", async () => {
      const { platform } = subject;
      await publish(platform, draft("load-wait", "one", { idleMs: 100, concurrency: 1 }));
      await subject.toZero(platform, "load-wait");
      report(platform, { name: "load-wait", inFlight: 0, waiting: 3 });
      await eventually("three are ready", () => count("load-wait") === 3);
    });
  });
}
