import assert from "node:assert/strict";
import type { Problem } from "../../../platform/problems.ts";
import { instancesOf, publish, servingOf } from "../../support/platform/deploying.ts";
import { sameAs } from "../../support/platform/draft.ts";
import type { Subject } from "./subject.ts";

export function storing(subject: Subject): void {
  const { able, draft, failing } = subject;

  describe("store", () => {
    it("makes a version that takes no calls, with an instance that is ready", async () => {
      const { platform } = subject;
      await publish(platform, draft("store-two", "one"));
      const serving = instancesOf(platform, "store-two").map(({ id }) => id);
      const stored = await platform.store(draft("store-two", "two"));
      assert.deepEqual(stored, { name: "store-two", version: 2, created: false });
      assert.deepEqual(platform.endpoints("store-two")?.traffic, [{ version: 1, weight: 1 }]);
      assert.deepEqual(
        instancesOf(platform, "store-two").map(({ id }) => id),
        serving,
      );
      assert.ok(instancesOf(platform, "store-two", 2).length >= 1);
      assert.equal((await platform.find("store-two"))?.version, 1);
      assert.equal((await platform.find("store-two", 2))?.hash, draft("store-two", "two").hash);
      const described = (await platform.describe("store-two"))!;
      assert.deepEqual([described.version, described.versions.length, described.ready], [1, 2, 1]);
    });

    able.runsCode("leaves the answers as they are, and the version can be called", async () => {
      const { platform } = subject;
      await publish(platform, draft("store-call", "one"));
      await platform.store(draft("store-call", "two"));
      assert.equal(await subject.answer(platform, "store-call"), "one");
      assert.equal(await subject.answer(platform, "store-call", 2), "two");
    });

    it("creates a function without traffic, whose current version is the newest", async () => {
      const { platform } = subject;
      assert.deepEqual(await platform.store(draft("store-new", "one")), {
        name: "store-new",
        version: 1,
        created: true,
      });
      assert.deepEqual(platform.endpoints("store-new")?.traffic, []);
      assert.equal(servingOf(platform, "store-new"), undefined);
      assert.equal((await platform.store(draft("store-new", "two"))).created, false);
      const described = await platform.describe("store-new");
      assert.deepEqual([described?.version, described?.traffic], [2, []]);
      assert.equal((await platform.find("store-new"))?.version, 2);
      const listed = await platform.list({ after: "store-nev", limit: 1 });
      assert.deepEqual(
        listed.map(({ name, version }) => [name, version]),
        [["store-new", 2]],
      );
    });

    it("makes a version of the source and bundle of another one", async () => {
      const { platform } = subject;
      await publish(platform, draft("store-same", "one"));
      const changed = draft("store-same", "one", { env: { A: "1" } });
      assert.equal((await platform.store(sameAs(changed, 1))).version, 2);
      const found = (await platform.find("store-same", 2))!;
      assert.deepEqual([found.hash, found.sourceHash], [changed.hash, changed.sourceHash]);
      assert.deepEqual(found.settings, changed.settings);
      assert.deepEqual(
        Buffer.from((await platform.readSource("store-same", 2))!.bytes),
        Buffer.from(changed.content.source.bytes),
      );
      if (platform.abilities.runsCode) assert.equal(await subject.answer(platform, "store-same", 2), "one");
    });

    it("rejects the source of a version that is not there, and changes nothing", async () => {
      const { platform } = subject;
      const unknown = { code: "unknown_version" };
      await assert.rejects(platform.store(sameAs(draft("store-none", "one"), 1)), unknown);
      assert.equal(await platform.describe("store-none"), undefined);
      await publish(platform, draft("store-none", "one"));
      await assert.rejects(platform.store(sameAs(draft("store-none", "one"), 7)), unknown);
      assert.equal((await platform.describe("store-none"))?.versions.length, 1);
    });

    it("changes nothing when the version does not start, and says its last lines", async () => {
      const { platform } = subject;
      await publish(platform, draft("store-broken", "one"));
      const before = platform.endpoints("store-broken");
      await assert.rejects(platform.store(failing("store-broken")), (error: Problem) => {
        assert.equal(error.code, "start_failed");
        assert.match(error.extensions.log!.join("\n"), /last words/);
        return true;
      });
      assert.equal(platform.endpoints("store-broken"), before);
      assert.equal(await platform.find("store-broken", 2), undefined);
      assert.equal((await platform.describe("store-broken"))?.versions.length, 1);
      assert.equal((await platform.store(draft("store-broken", "two"))).version, 2);
    });

    it("numbers versions that are stored at once in the order in which they came", async () => {
      const { platform } = subject;
      const texts = ["a", "b", "c", "d"];
      const stored = await Promise.all(texts.map((text) => platform.store(draft("store-order", text))));
      assert.deepEqual(
        stored.map(({ version }) => version),
        [1, 2, 3, 4],
      );
      assert.equal(stored.filter(({ created }) => created).length, 1);
      for (const [index, text] of texts.entries()) {
        assert.equal((await platform.find("store-order", index + 1))?.hash, draft("store-order", text).hash);
      }
    });

    it("goes on with other versions when one at the same time fails", async () => {
      const { platform } = subject;
      const failed = assert.rejects(platform.store(failing("store-beside")), { code: "start_failed" });
      const { version } = await platform.store(draft("store-beside", "one"));
      await failed;
      const described = await platform.describe("store-beside");
      assert.deepEqual(
        described?.versions.map((each) => each.version),
        [version],
      );
    });

    it("changes nothing when its signal aborts before or meanwhile", async () => {
      const { platform } = subject;
      const reason = new Error("the client left");
      await assert.rejects(platform.store(draft("store-gone", "one"), AbortSignal.abort(reason)), reason);
      assert.equal(await platform.describe("store-gone"), undefined);
      const leaving = new AbortController();
      const stored = platform.store(draft("store-gone", "two"), leaving.signal);
      leaving.abort(reason);
      await assert.rejects(stored, reason);
      assert.equal(await platform.describe("store-gone"), undefined);
      assert.equal((await platform.store(draft("store-gone", "three"))).created, true);
    });

    it("forgets the oldest versions over the limit, and none that takes calls", async () => {
      const platform = await subject.open({ versionsKept: 2 });
      try {
        await publish(platform, draft("store-kept", "1"));
        for (const text of ["2", "3", "4"]) await platform.store(draft("store-kept", text));
        const kept = async () =>
          (await platform.describe("store-kept"))!.versions.map((each) => each.version);
        assert.deepEqual(await kept(), [1, 3, 4]);
        assert.deepEqual(
          platform.endpoints("store-kept")?.versions.map((each) => each.version),
          [1, 3, 4],
        );
        assert.equal(await platform.find("store-kept", 2), undefined);
        await assert.rejects(platform.wake("store-kept", 2), { code: "unknown_version" });
        await platform.route("store-kept", [
          { version: 1, weight: 1 },
          { version: 3, weight: 1 },
        ]);
        await platform.store(draft("store-kept", "5"));
        assert.deepEqual(await kept(), [1, 3, 4, 5]);
        await platform.route("store-kept", [{ version: 5, weight: 1 }]);
        await platform.store(draft("store-kept", "6"));
        assert.deepEqual(await kept(), [5, 6]);
      } finally {
        await subject.dispose(platform);
      }
    });
  });
}
