import assert from "node:assert/strict";
import type { Subject } from "./subject.ts";

export function reading(subject: Subject): void {
  const { draft } = subject;

  describe("read, list and describe", () => {
    it("give back what was published, the current version unless another is named", async () => {
      const { platform } = subject;
      for (const text of ["one", "two"]) await platform.publish(draft("read-me", text));
      for (const [number, text, version] of [
        [undefined, "two", 2],
        [1, "one", 1],
        [2, "two", 2],
      ] as const) {
        const read = await platform.read("read-me", number);
        const posted = draft("read-me", text);
        assert.equal(read?.version, version);
        assert.equal(read.hash, posted.hash);
        assert.equal(read.source.type, posted.source.type);
        assert.deepEqual(Buffer.from(read.source.bytes), Buffer.from(posted.source.bytes));
        assert.deepEqual(Buffer.from(read.bundle.code), Buffer.from(posted.bundle.code));
        assert.deepEqual(read.settings, posted.settings);
        assert.ok(Math.abs(read.createdAt.getTime() - Date.now()) < 60_000);
      }
    });

    it("give undefined for what is not there", async () => {
      const { platform } = subject;
      await platform.publish(draft("read-one", "one"));
      assert.equal(await platform.read("read-one", 2), undefined);
      assert.equal(await platform.read("read-one", 0), undefined);
      assert.equal(await platform.read("read-none"), undefined);
      assert.equal(await platform.describe("read-none"), undefined);
    });

    it("list functions in order of name, page by page", async () => {
      const platform = await subject.open();
      try {
        assert.deepEqual(await platform.list({ limit: 10 }), []);
        const names = ["b", "a-b", "a", "b1", "a0"];
        await Promise.all(names.map((name) => platform.publish(draft(name, "one"))));
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
      await platform.publish(draft("list-me", "one"));
      const [first] = await platform.list({ after: "list-md", limit: 1 });
      await platform.publish(draft("list-me", "two"));
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
      for (const text of ["one", "two"]) await platform.publish(draft("describe-me", text, settings));
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
        [[platform.endpoints("describe-me")!.instances[0]!.id, 2]],
      );
      assert.deepEqual([described.ready, described.notReady, described.lastErrors], [1, undefined, []]);
    });
  });
}
