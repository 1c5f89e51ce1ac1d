import assert from "node:assert/strict";
import { publish, servingOf, wake } from "../../support/platform/deploying.ts";
import type { Subject } from "./subject.ts";

export function removing(subject: Subject): void {
  const { draft } = subject;

  describe("remove", () => {
    it("says whether there was such a function", async () => {
      const { platform } = subject;
      await publish(platform, draft("rm-said", "one"));
      assert.equal(await platform.remove("rm-said"), true);
      assert.equal(await platform.remove("rm-said"), false);
      assert.equal(await platform.remove("rm-never-was"), false);
    });

    it("leaves nothing of the function", async () => {
      const { platform } = subject;
      await publish(platform, draft("rm-nothing", "one"));
      await publish(platform, draft("rm-nothing", "two"));
      await platform.remove("rm-nothing");
      assert.equal(platform.endpoints("rm-nothing"), undefined);
      assert.equal(await platform.describe("rm-nothing"), undefined);
      for (const number of [undefined, 1]) {
        assert.equal(await platform.find("rm-nothing", number), undefined);
        assert.equal(await platform.readSource("rm-nothing", number), undefined);
      }
      const listed = await platform.list({ limit: 1_000 });
      assert.ok(listed.every(({ name }) => name !== "rm-nothing"));
      await assert.rejects(wake(platform, "rm-nothing"), { code: "unknown_function" });
    });

    it("lets the name be created again at once", async () => {
      const { platform } = subject;
      for (const text of ["one", "two"]) await publish(platform, draft("rm-again", text));
      const before = servingOf(platform, "rm-again")!.instances.map(({ id }) => id);
      await platform.remove("rm-again");
      const published = await publish(platform, draft("rm-again", "two"));
      assert.deepEqual([published.created, published.unchanged], [true, false]);
      assert.deepEqual((await platform.describe("rm-again"))?.versions.length, 1);
      const after = servingOf(platform, "rm-again")!.instances.map(({ id }) => id);
      assert.ok(after.every((id) => !before.includes(id)));
    });

    it("of a function that is being created leaves nothing of it", async () => {
      const { platform } = subject;
      const stored = platform.store(draft("rm-turn", "one")).catch((error: unknown) => error);
      await platform.remove("rm-turn");
      await stored;
      assert.equal(await platform.describe("rm-turn"), undefined);
      assert.equal(platform.endpoints("rm-turn"), undefined);
    });
  });
}
