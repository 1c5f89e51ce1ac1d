import assert from "node:assert/strict";
import type { Subject } from "./subject.ts";

export function removing(subject: Subject): void {
  const { draft } = subject;

  describe("remove", () => {
    it("says whether there was such a function", async () => {
      const { platform } = subject;
      await platform.publish(draft("rm-said", "one"));
      assert.equal(await platform.remove("rm-said"), true);
      assert.equal(await platform.remove("rm-said"), false);
      assert.equal(await platform.remove("rm-never-was"), false);
    });

    it("leaves nothing of the function", async () => {
      const { platform } = subject;
      await platform.publish(draft("rm-nothing", "one"));
      await platform.publish(draft("rm-nothing", "two"));
      await platform.remove("rm-nothing");
      assert.equal(platform.endpoints("rm-nothing"), undefined);
      assert.equal(await platform.describe("rm-nothing"), undefined);
      assert.equal(await platform.read("rm-nothing"), undefined);
      assert.equal(await platform.read("rm-nothing", 1), undefined);
      const listed = await platform.list({ limit: 1_000 });
      assert.ok(listed.every(({ name }) => name !== "rm-nothing"));
      await assert.rejects(platform.wake("rm-nothing"), { code: "unknown_function" });
    });

    it("lets the name be created again, from version 1", async () => {
      const { platform } = subject;
      for (const text of ["one", "two"]) await platform.publish(draft("rm-again", text));
      const before = platform.endpoints("rm-again")!.instances.map(({ id }) => id);
      await platform.remove("rm-again");
      const published = await platform.publish(draft("rm-again", "two"));
      assert.deepEqual([published.version, published.created, published.unchanged], [1, true, false]);
      const after = platform.endpoints("rm-again")!.instances.map(({ id }) => id);
      assert.ok(after.every((id) => !before.includes(id)));
    });

    it("of a function that is being created waits its turn", async () => {
      const { platform } = subject;
      const published = platform.publish(draft("rm-turn", "one"));
      assert.equal(await platform.remove("rm-turn"), true);
      assert.equal((await published).version, 1);
      assert.equal(await platform.describe("rm-turn"), undefined);
    });
  });
}
