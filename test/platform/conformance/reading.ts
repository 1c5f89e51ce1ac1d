import assert from "node:assert/strict";
import { publish, servingOf } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function reading(subject: Subject): void {
  const { draft } = subject;

  describe("read, list and describe", () => {
    it("give back what was published, the current version unless another is named", async () => {
      const { platform } = subject;
      for (const text of ["one", "two"]) await publish(platform, draft("read-me", text));
      for (const [number, text, version] of [
        [undefined, "two", 2],
        [1, "one", 1],
        [2, "two", 2],
      ] as const) {
        const found = await platform.find("read-me", number);
        const source = await platform.readSource("read-me", number);
        const posted = draft("read-me", text);
        assert.deepEqual([found?.name, found?.version], ["read-me", version]);
        assert.deepEqual([found?.hash, found?.sourceHash], [posted.hash, posted.sourceHash]);
        assert.deepEqual(found?.settings, posted.settings);
        assert.ok(Math.abs(found.createdAt.getTime() - Date.now()) < 60_000);
        assert.equal(source?.type, posted.content.source.type);
        assert.deepEqual(Buffer.from(source.bytes), Buffer.from(posted.content.source.bytes));
      }
    });

    it("give undefined for what is not there", async () => {
      const { platform } = subject;
      await publish(platform, draft("read-one", "one"));
      for (const [name, number] of [
        ["read-one", 2],
        ["read-one", 0],
        ["read-none", undefined],
      ] as const) {
        assert.equal(await platform.find(name, number), undefined);
        assert.equal(await platform.readSource(name, number), undefined);
      }
      assert.equal(await platform.describe("read-none"), undefined);
    });

    it("list functions in order of name, page by page", async () => {
      const platform = await subject.open();
      try {
        assert.deepEqual(await platform.list({ limit: 10 }), []);
        const names = ["b", "a-b", "a", "b1", "a0"];
        await Promise.all(names.map((name) => publish(platform, draft(name, "one"))));
        const page = async (limit: number, after?: string) =>
          (await platform.list({ limit, after })).map(({ name }) => name);
        assert.deepEqual(await page(10), ["a", "a-b", "a0", "b", "b1"]);
        assert.deepEqual(await page(2), ["a", "a-b"]);
        assert.deepEqual(await page(2, "a-b"), ["a0", "b"]);
        assert.deepEqual(await page(10, "a1"), ["b", "b1"], "after a name that does not exist");
        assert.deepEqual(await page(2, "b1"), []);
      } finally {
        await subject.dispose(platform);
      }
    });

    it("list a function with its version, hash, times and number of ready instances", async () => {
      const { platform } = subject;
      await publish(platform, draft("list-me", "one"));
      const [first] = await platform.list({ after: "list-md", limit: 1 });
      await publish(platform, draft("list-me", "two"));
      const [second] = await platform.list({ after: "list-md", limit: 1 });
      assert.deepEqual([first?.name, first?.version, first?.ready], ["list-me", 1, 1]);
      assert.deepEqual(first?.createdAt, first?.updatedAt);
      assert.deepEqual([second?.version, second?.hash], [2, draft("list-me", "two").hash]);
      assert.deepEqual(second?.createdAt, first?.createdAt);
      assert.ok(second!.updatedAt >= first!.updatedAt);
    });

    it("describe a function with its settings, versions and instances", async () => {
      const { platform } = subject;
      const settings = { concurrency: 7, env: { A: "1" } };
      for (const text of ["one", "two"]) await publish(platform, draft("describe-me", text, settings));
      const described = (await platform.describe("describe-me"))!;
      assert.equal(described.settings.concurrency, 7);
      assert.deepEqual(described.settings.env, { A: "1" });
      assert.deepEqual(
        described.versions.map(({ version, hash }) => [version, hash]),
        ["one", "two"].map((text, index) => [index + 1, draft("describe-me", text, settings).hash]),
      );
      const ready = described.instances.filter(({ state }) => state === "ready");
      assert.deepEqual(
        ready.map(({ id, version }) => [id, version]),
        [[servingOf(platform, "describe-me")!.instances[0]!.id, 2]],
      );
      assert.deepEqual([described.ready, described.notReady, described.lastErrors], [1, undefined, []]);
    });
  });
}
