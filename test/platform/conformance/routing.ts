import assert from "node:assert/strict";
import type { Endpoints, Traffic } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { currentOf, instancesOf, publish } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

const to = (version: number, weight = 1): Traffic => [{ version, weight }];
/** Nothing is built: what takes longer than a start is not a rollback. */
const ROLLBACK_MS = 20_000;

export function routing(subject: Subject): void {
  const { able, draft } = subject;

  /** A function whose version 1 takes the calls, and a version 2 that does not. */
  async function withTwo(name: string, settings: Parameters<Subject["draft"]>[2] = {}): Promise<void> {
    await publish(subject.platform, draft(name, "one", settings));
    await subject.platform.store(draft(name, "two", settings));
  }

  describe("route", () => {
    it("sends all calls to another version in one step, and the version before it drains", async () => {
      const { platform } = subject;
      await withTwo("route-one");
      const seen: (Endpoints | undefined)[] = [];
      const stop = platform.watch((name, endpoints) => name === "route-one" && seen.push(endpoints));
      await platform.route("route-one", to(2));
      stop();
      assert.ok(seen.every((endpoints) => (currentOf(endpoints)?.instances.length ?? 0) > 0));
      assert.deepEqual(platform.endpoints("route-one")?.traffic, to(2));
      assert.equal((await platform.find("route-one"))?.version, 2);
      const described = await platform.describe("route-one");
      assert.deepEqual([described?.version, described?.traffic], [2, to(2)]);
      await eventually("version 1 has none", () => instancesOf(platform, "route-one", 1).length === 0);
      if (platform.abilities.runsCode) assert.equal(await subject.answer(platform, "route-one"), "two");
    });

    it("sends calls to several versions by weight, each with instances of its own", async () => {
      const { platform } = subject;
      await withTwo("route-both");
      const traffic = [
        { version: 1, weight: 90 },
        { version: 2, weight: 10 },
      ];
      await platform.route("route-both", traffic);
      assert.deepEqual(platform.endpoints("route-both")?.traffic, traffic);
      for (const version of [1, 2]) assert.ok(instancesOf(platform, "route-both", version).length >= 1);
      const described = (await platform.describe("route-both"))!;
      assert.deepEqual([described.version, described.traffic], [1, traffic]);
      assert.deepEqual([...new Set(described.instances.map(({ version }) => version))].sort(), [1, 2]);
      const turned = traffic.map(({ version, weight }) => ({ version, weight: 100 - weight }));
      await platform.route("route-both", turned);
      assert.equal((await platform.describe("route-both"))?.version, 2);
    });

    it("brings up the `min` of each version before it gets calls", async () => {
      const { platform } = subject;
      await withTwo("route-min", { min: 2, idleMs: 100 });
      await platform.route("route-min", [
        { version: 1, weight: 1 },
        { version: 2, weight: 1 },
      ]);
      for (const version of [1, 2]) assert.equal(instancesOf(platform, "route-min", version).length, 2);
    });

    able.scalesToZero("lets a version keep no `min` when it has no traffic any more", async () => {
      const { platform } = subject;
      await withTwo("route-less", { min: 1, idleMs: 100 });
      await platform.route("route-less", to(2));
      await eventually("version 1 has none", () => instancesOf(platform, "route-less", 1).length === 0);
      await platform.wake("route-less", 1);
      await subject.toZero(platform, "route-less", 1);
      assert.equal(instancesOf(platform, "route-less", 2).length, 1);
    });

    it("goes back to a version that sleeps, without a build and quickly", async () => {
      const { platform } = subject;
      await publish(platform, draft("route-back", "one", { idleMs: 1_000 }));
      await publish(platform, draft("route-back", "two", { idleMs: 1_000 }));
      await subject.toZero(platform, "route-back", 1);
      const fromMs = performance.now();
      await platform.route("route-back", to(1));
      assert.ok(performance.now() - fromMs < ROLLBACK_MS, `${performance.now() - fromMs} ms`);
      assert.ok(instancesOf(platform, "route-back", 1).length >= 1);
      assert.deepEqual([(await platform.find("route-back"))?.version], [1]);
      if (platform.abilities.runsCode) assert.equal(await subject.answer(platform, "route-back"), "one");
      assert.equal((await platform.store(draft("route-back", "three"))).version, 3);
    });

    it("to a version or a function that is not there changes nothing", async () => {
      const { platform } = subject;
      await assert.rejects(platform.route("route-never-was", to(1)), { code: "unknown_function" });
      await publish(platform, draft("route-none", "one"));
      const before = platform.endpoints("route-none");
      await assert.rejects(platform.route("route-none", to(7)), { code: "unknown_version" });
      await assert.rejects(platform.route("route-none", [...to(1), ...to(7)]), { code: "unknown_version" });
      await assert.rejects(platform.route("route-none", []), { code: "invalid_request" });
      assert.equal(platform.endpoints("route-none"), before);
    });

    it("leaves the traffic as it is when a version does not start", async () => {
      const { platform } = subject;
      await withTwo("route-broken", { idleMs: 100 });
      for (const version of [1, 2]) await subject.toZero(platform, "route-broken", version);
      await subject.breakStarts(platform, "route-broken", 2);
      await assert.rejects(platform.route("route-broken", to(2)), ({ code }: { code?: string }) =>
        ["start_failed", "no_capacity"].includes(code ?? ""),
      );
      assert.deepEqual(platform.endpoints("route-broken")?.traffic, to(1));
      const described = await platform.describe("route-broken");
      assert.deepEqual([described?.version, described?.traffic], [1, to(1)]);
    });

    it("leaves the traffic as it is when its signal was aborted", async () => {
      const { platform } = subject;
      await withTwo("route-left");
      const reason = new Error("the client left");
      await assert.rejects(platform.route("route-left", to(2), AbortSignal.abort(reason)), reason);
      assert.deepEqual(platform.endpoints("route-left")?.traffic, to(1));
    });

    it("sends no calls anywhere else when another version is woken", async () => {
      const { platform } = subject;
      await withTwo("route-wake", { idleMs: 100 });
      await subject.toZero(platform, "route-wake", 2);
      await platform.wake("route-wake", 2);
      assert.equal(instancesOf(platform, "route-wake", 2).length, 1);
      assert.deepEqual(platform.endpoints("route-wake")?.traffic, to(1));
      await assert.rejects(platform.wake("route-wake", 3), { code: "unknown_version" });
    });

    able.scalesOut("scales each version by the load of its own", async () => {
      const { platform } = subject;
      const name = "route-scale";
      await withTwo(name, { concurrency: 1 });
      platform.report({ name, version: 2, inFlight: 1, waiting: 2 });
      await eventually("version 2 has three", () => instancesOf(platform, name, 2).length === 3);
      assert.equal(instancesOf(platform, name, 1).length, 1);
    });

    able.scalesOut("brings up what a share of the load needs before calls change over", async () => {
      const { platform } = subject;
      const name = "route-load";
      await withTwo(name, { concurrency: 1 });
      platform.report({ name, version: 1, inFlight: 4, waiting: 0 });
      await eventually("version 1 has four", () => instancesOf(platform, name, 1).length === 4);
      const half = [
        { version: 1, weight: 1 },
        { version: 2, weight: 1 },
      ];
      await platform.route(name, half);
      assert.deepEqual(
        [1, 2].map((version) => instancesOf(platform, name, version).length),
        [4, 2],
      );
      await platform.route(name, to(2));
      assert.equal(instancesOf(platform, name, 2).length, 4);
    });

    it("goes with its function: nothing is left of any version", async () => {
      const { platform } = subject;
      await withTwo("route-removed");
      await platform.route("route-removed", [
        { version: 1, weight: 1 },
        { version: 2, weight: 1 },
      ]);
      const before = [1, 2].flatMap((version) => instancesOf(platform, "route-removed", version));
      assert.equal(await platform.remove("route-removed"), true);
      assert.equal(platform.endpoints("route-removed"), undefined);
      for (const version of [1, 2]) {
        assert.equal(await platform.find("route-removed", version), undefined);
        await assert.rejects(platform.wake("route-removed", version), { code: "unknown_function" });
      }
      assert.equal((await platform.store(draft("route-removed", "new"))).created, true);
      const now = platform.endpoints("route-removed")!;
      assert.deepEqual([now.traffic, now.versions.length], [[], 1]);
      const ids = now.versions[0]!.instances.map(({ id }) => id);
      assert.ok(before.every(({ id }) => !ids.includes(id)));
    });
  });
}
