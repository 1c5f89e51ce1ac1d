import assert from "node:assert/strict";
import type { RouteRules, Traffic } from "../../../platform/platform.ts";
import { publish } from "../../support/platform/deploying.ts";
import { sameAs } from "../../support/platform/draft.ts";
import type { Subject } from "./subject.ts";

const to = (version: number, weight = 1): Traffic => [{ version, weight }];
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export function versions(subject: Subject): void {
  const { draft } = subject;

  describe("versions", () => {
    it("have who deployed them and why, and the size of their source", async () => {
      const { platform } = subject;
      assert.equal(await platform.listVersions("note-none"), undefined);
      const first = draft("note", "one");
      const note = { by: "token", message: "The first one.\nü", commit: COMMIT };
      await publish(platform, { ...first, note });
      await platform.store(sameAs({ ...first, hash: draft("note", "two").hash, note: { by: "local" } }, 1));
      const [one, two, ...others] = (await platform.listVersions("note"))!;
      assert.deepEqual(others, []);
      assert.deepEqual([one?.version, one?.note, one?.pinned], [1, note, false]);
      assert.deepEqual([two?.version, two?.note], [2, { by: "local" }]);
      const { length } = first.content.source.bytes;
      assert.deepEqual([one?.sourceBytes, two?.sourceBytes], [length, length]);
      assert.deepEqual((await platform.find("note", 1))?.note, note);
    });

    it("that are pinned are kept although newer ones are over the limit", async () => {
      const platform = await subject.open({ versionsKept: 2 });
      try {
        await publish(platform, draft("pin", "1"));
        await assert.rejects(platform.pin("pin-none", 1, true), { code: "unknown_function" });
        await assert.rejects(platform.pin("pin", 2, true), { code: "unknown_version" });
        for (const text of ["2", "3"]) await platform.store(draft("pin", text));
        await platform.pin("pin", 2, true);
        await platform.pin("pin", 3, true);
        await platform.pin("pin", 3, true);
        const tooMany = { code: "invalid_request", message: /2 versions are pinned \(2, 3\), at most 2/ };
        await assert.rejects(platform.pin("pin", 1, true), tooMany);
        const pinned = async () =>
          (await platform.listVersions("pin"))!.map((each) => [each.version, each.pinned]);
        for (const text of ["4", "5", "6"]) await platform.store(draft("pin", text));
        assert.deepEqual(await pinned(), [
          [1, false],
          [2, true],
          [3, true],
          [5, false],
          [6, false],
        ]);
        assert.equal((await platform.find("pin", 2))?.pinned, true);
        await platform.pin("pin", 3, false);
        await platform.route("pin", to(6));
        await platform.store(draft("pin", "7"));
        assert.deepEqual(await pinned(), [
          [2, true],
          [6, false],
          [7, false],
        ]);
        assert.equal((await platform.find("pin"))?.pinned, false);
      } finally {
        await subject.dispose(platform);
      }
    });

    it("say which one had all calls before, whatever shares there were between", async () => {
      const { platform } = subject;
      const previous = async () => (await platform.describe("before"))?.previous;
      await publish(platform, draft("before", "one"));
      assert.equal(await previous(), undefined);
      await publish(platform, draft("before", "two"));
      assert.equal(await previous(), 1);
      await platform.store(draft("before", "three"));
      await platform.route("before", [...to(2, 90), ...to(3, 10)]);
      assert.equal(await previous(), 2);
      await platform.route("before", [...to(2, 10), ...to(3, 90)]);
      assert.equal(await previous(), 2);
      await platform.route("before", to(2));
      assert.equal(await previous(), 1);
      await platform.route("before", to(3));
      assert.equal(await previous(), 2);
      await platform.route("before", to(2));
      assert.equal(await previous(), 3);
    });
  });

  describe("the rules of a route", () => {
    const sticky = { cookie: "visitor" };
    const guard = { errorRate: 0.05, slowdown: 2, calls: 100 };

    it("hold until the next one, and come with the endpoints", async () => {
      const { platform } = subject;
      await publish(platform, draft("rules", "one"));
      await platform.store(draft("rules", "two"));
      const split = [...to(1, 90), ...to(2, 10)];
      const rules = async (): Promise<RouteRules> => {
        const { sticky, guard } = (await platform.describe("rules"))!;
        return { sticky, guard };
      };
      await platform.route("rules", split, undefined, { sticky, guard });
      assert.deepEqual(platform.endpoints("rules")?.sticky, sticky);
      assert.deepEqual(await rules(), { sticky, guard });
      const byHeader = { header: "x-tenant" };
      await platform.route("rules", [...to(1, 80), ...to(2, 20)], undefined, { sticky: byHeader });
      assert.deepEqual(platform.endpoints("rules")?.sticky, byHeader);
      assert.deepEqual(await rules(), { sticky: byHeader, guard: undefined });
      await platform.pin("rules", 1, true);
      assert.deepEqual(platform.endpoints("rules")?.sticky, byHeader);
      await platform.route("rules", to(2));
      assert.equal(platform.endpoints("rules")?.sticky, undefined);
      assert.deepEqual(await rules(), { sticky: undefined, guard: undefined });
      assert.equal((await platform.find("rules", 1))?.pinned, true);
    });
  });

  describe("a precondition", () => {
    const failed = { code: "precondition_failed" };

    it("holds for the current version alone, for every change", async () => {
      const { platform } = subject;
      const name = "expected";
      await assert.rejects(platform.store({ ...draft(name, "one"), expected: "exists" }), failed);
      await assert.rejects(platform.store({ ...draft(name, "one"), expected: [1] }), failed);
      assert.equal(await platform.describe(name), undefined);
      await publish(platform, { ...draft(name, "one"), expected: "absent" });
      await assert.rejects(platform.store({ ...draft(name, "two"), expected: "absent" }), failed);
      await assert.rejects(platform.store({ ...draft(name, "two"), expected: [2, 3] }), failed);
      assert.equal((await platform.listVersions(name))?.length, 1);
      await platform.store({ ...draft(name, "two"), expected: [7, 1] });
      await assert.rejects(platform.route(name, to(2), undefined, { expected: [2] }), {
        ...failed,
        extensions: { version: 1 },
      });
      await platform.route(name, to(2), undefined, { expected: [1] });
      await assert.rejects(platform.route(name, to(1), undefined, { expected: [1] }), failed);
      assert.deepEqual(platform.endpoints(name)?.traffic, to(2));
      await assert.rejects(platform.remove(name, [1]), failed);
      assert.equal(await platform.remove(name, [2]), true);
      await assert.rejects(platform.remove(name, "exists"), failed);
      assert.equal(await platform.remove(name, "absent"), false);
    });

    it("lets one of several changes at the same time through", async () => {
      const { platform } = subject;
      await publish(platform, draft("at-once", "0"));
      for (const text of ["1", "2", "3"]) await platform.store(draft("at-once", text));
      const changes = [2, 3, 4].map((version) =>
        platform.route("at-once", to(version), undefined, { expected: [1] }),
      );
      const settled = await Promise.allSettled(changes);
      const refused = settled.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : []));
      assert.deepEqual(refused, ["precondition_failed", "precondition_failed"]);
    });
  });
}
