import assert from "node:assert/strict";
import type { Endpoints } from "../../../platform/platform.ts";
import type { Problem } from "../../../platform/problems.ts";
import { currentOf, publish, servingOf } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function publishing(subject: Subject): void {
  const { able, draft, failing } = subject;

  describe("publish", () => {
    it("creates a function as version 1, which is ready then", async () => {
      const { platform } = subject;
      const published = await publish(platform, draft("pub-created", "one"));
      assert.deepEqual(published, { name: "pub-created", version: 1, created: true, unchanged: false });
      assert.equal(servingOf(platform, "pub-created")?.version, 1);
      assert.ok(servingOf(platform, "pub-created")!.instances.length >= 1);
    });

    it("numbers the versions of a function one by one", async () => {
      const versions: number[] = [];
      for (const text of ["a", "b", "c"]) {
        const published = await publish(subject.platform, draft("pub-numbers", text));
        assert.equal(published.created, text === "a");
        versions.push(published.version);
      }
      assert.deepEqual(versions, [1, 2, 3]);
    });

    it("changes nothing when the current version is posted again", async () => {
      const { platform } = subject;
      await publish(platform, draft("pub-same", "one"));
      const before = platform.endpoints("pub-same");
      const again = await publish(platform, draft("pub-same", "one"));
      assert.deepEqual(again, { name: "pub-same", version: 1, created: false, unchanged: true });
      assert.equal(platform.endpoints("pub-same"), before);
    });

    it("makes a new version of content that was current before", async () => {
      const { platform } = subject;
      for (const text of ["one", "two", "one"]) await publish(platform, draft("pub-back", text));
      assert.equal((await platform.find("pub-back"))?.version, 3);
    });

    it("rejects a first version that does not start with its last log lines, and creates nothing", async () => {
      const { platform } = subject;
      await assert.rejects(publish(platform, failing("pub-broken")), (error: Problem) => {
        assert.equal(error.code, "start_failed");
        assert.match(error.extensions.log!.join("\n"), /last words/);
        return true;
      });
      assert.equal(await platform.describe("pub-broken"), undefined);
      assert.equal(platform.endpoints("pub-broken"), undefined);
      const published = await publish(platform, draft("pub-broken", "mended"));
      assert.deepEqual([published.version, published.created], [1, true]);
    });

    it("changes nothing when a new version does not start", async () => {
      const { platform } = subject;
      await publish(platform, draft("pub-kept", "one"));
      const before = platform.endpoints("pub-kept");
      await assert.rejects(publish(platform, failing("pub-kept")), { code: "start_failed" });
      assert.equal(platform.endpoints("pub-kept"), before);
      const described = await platform.describe("pub-kept");
      assert.deepEqual([described?.version, described?.versions.length], [1, 1]);
      assert.equal((await publish(platform, draft("pub-kept", "two"))).version, 2);
    });

    it("does nothing when its signal was aborted before", async () => {
      const { platform } = subject;
      const reason = new Error("the client left");
      await assert.rejects(publish(platform, draft("pub-gone", "one"), AbortSignal.abort(reason)), reason);
      assert.equal(await platform.describe("pub-gone"), undefined);
    });

    it("changes nothing when its signal aborts while the version starts", async () => {
      const { platform } = subject;
      await publish(platform, draft("pub-left", "one"));
      const leaving = new AbortController();
      const published = publish(platform, draft("pub-left", "two"), leaving.signal);
      const reason = new Error("the client left");
      leaving.abort(reason);
      await assert.rejects(published, reason);
      assert.equal((await platform.describe("pub-left"))?.version, 1);
      assert.equal(servingOf(platform, "pub-left")?.version, 1);
    });

    it("keeps the version before in the endpoints until the new one is ready", async () => {
      const { platform } = subject;
      await publish(platform, draft("pub-swap", "one"));
      const seen: (Endpoints | undefined)[] = [];
      const stop = platform.watch((name, endpoints) => name === "pub-swap" && seen.push(endpoints));
      const published = publish(platform, draft("pub-swap", "two"));
      assert.equal(servingOf(platform, "pub-swap")?.version, 1);
      await published;
      stop();
      assert.ok(seen.every((endpoints) => (currentOf(endpoints)?.instances.length ?? 0) > 0));
      assert.equal(currentOf(seen.at(-1))?.version, 2);
    });

    able.runsCode("makes the function answer with the new version", async () => {
      for (const text of ["one", "two"]) {
        await publish(subject.platform, draft("pub-answers", text));
        assert.equal(await subject.answer(subject.platform, "pub-answers"), text);
      }
    });
  });
}
