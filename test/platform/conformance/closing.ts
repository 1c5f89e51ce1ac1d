import assert from "node:assert/strict";
import type { Platform } from "../../../platform/platform.ts";
import { publish, servingOf, wake } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function closing(subject: Subject): void {
  const { able, draft } = subject;

  async function withPlatform(use: (platform: Platform) => Promise<void>): Promise<void> {
    const platform = await subject.open();
    try {
      await use(platform);
    } finally {
      await subject.dispose(platform);
    }
  }

  describe("close", () => {
    it("takes every instance out of the endpoints", () =>
      withPlatform(async (platform) => {
        await Promise.all(["a", "b"].map((name) => publish(platform, draft(name, "one"))));
        await platform.close({ drainMs: 0 });
        for (const name of ["a", "b"]) assert.deepEqual(servingOf(platform, name)?.instances ?? [], []);
        await platform.close();
      }));

    it("ends what waits, and refuses what comes", () =>
      withPlatform(async (platform) => {
        await publish(platform, draft("a", "one"));
        const pending = platform.store(draft("b", "one")).then(
          () => "stored",
          (error) => error.code,
        );
        const following = (async () => {
          for await (const _ of platform.logs("a", { tail: 0, follow: true }));
          return "ended";
        })();
        await platform.close({ drainMs: 0 });
        assert.equal(await pending, "draining");
        assert.equal(await following, "ended");
        await assert.rejects(publish(platform, draft("c", "one")), { code: "draining" });
        await assert.rejects(wake(platform, "a"), { code: "draining" });
      }));

    able.durable("loses nothing that was published", async () => {
      await withPlatform(async (first) => {
        for (const text of ["one", "two"]) await publish(first, draft("a", text, { env: { A: "1" } }));
        await publish(first, draft("b", "one", { min: 1 }));
        await first.store(draft("a", "three"));
        const traffic = [
          { version: 1, weight: 1 },
          { version: 2, weight: 9 },
        ];
        await first.route("a", traffic);
        await publish(first, draft("c", "one"));
        await first.remove("c");
        const before = await first.describe("a");
        await first.close({ drainMs: 0 });
        const second = await subject.reopen(first);
        try {
          const after = await second.describe("a");
          assert.deepEqual(
            [after?.version, after?.hash, after?.versions, after?.settings, after?.createdAt],
            [before?.version, before?.hash, before?.versions, before?.settings, before?.createdAt],
          );
          assert.deepEqual([after?.traffic, after?.version, after?.versions.length], [traffic, 2, 3]);
          assert.deepEqual(
            second.endpoints("a")?.versions.map(({ version, instances }) => [version, instances.length]),
            [
              [1, 0],
              [2, 0],
              [3, 0],
            ],
          );
          assert.deepEqual(
            (await second.list({ limit: 9 })).map(({ name }) => name),
            ["a", "b"],
          );
          for (const name of ["a", "b"]) await wake(second, name);
          assert.equal(await subject.answer(second, "a"), "two");
          await second.wake("a", 3);
          assert.equal(await subject.answer(second, "a", 3), "three");
          assert.equal((await publish(second, draft("a", "two", { env: { A: "1" } }))).unchanged, true);
        } finally {
          await second.close({ drainMs: 0 });
        }
      });
    });
  });
}
