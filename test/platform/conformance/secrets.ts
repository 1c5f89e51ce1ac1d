import assert from "node:assert/strict";
import type { Platform } from "../../../platform/platform.ts";
import type { Secrets } from "../../../platform/secrets.ts";
import { eventually } from "../../support/eventually.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";

export interface OpenSecrets {
  readonly platform: Platform;
  close(): Promise<void>;
}

/** What the suite has to know about an implementation besides the seam. */
export interface SecretsHarness {
  /** State outlives `close`. */
  readonly isDurable: boolean;
  /** On new state. */
  open(): Promise<OpenSecrets>;
  /** On the state of one that is closed; for those that are durable. */
  reopen(opened: OpenSecrets): Promise<OpenSecrets>;
  /** Brings about that values are deleted which nothing needs. */
  swept(opened: OpenSecrets): Promise<void>;
}

/** Registers the tests of everything that platform/secrets.ts promises, for one implementation. */
export function secretsConformance(title: string, harness: SecretsHarness): void {
  describe(`${title} as a place of secrets`, () => {
    let opened: OpenSecrets;
    let secrets: Secrets;
    before(async () => {
      opened = await harness.open();
      secrets = opened.platform.secrets;
    });
    after(() => opened.close());

    const put = (name: string, value: string, ifVersion?: readonly number[] | "any" | null) =>
      secrets.put(name, { value, ifVersion });
    const read = async (secret: string, version: number) =>
      (await secrets.resolve({ V: { secret, version } })).V;
    const deploy = (name: string, secret: string, version: number, text = "ok") => {
      const code = `export default () => ${JSON.stringify(text)};`;
      return publish(opened.platform, draftOf(name, code, { secrets: { V: { secret, version } } }));
    };

    /** Waits until a value is deleted. */
    const goes = (name: string, version: number) =>
      eventually(`version ${version} of ${name} is deleted`, async () => {
        await harness.swept(opened);
        return !(await secrets.has(name, version));
      });

    it("gives each value a version, and gives the values back for a launch", async () => {
      const value = "pass 'word' $(x) ü€😀\n\tline two\r\n";
      assert.deepEqual(await put("first", value), {
        ...{ name: "first", version: 1, created: true, unchanged: false },
      });
      assert.deepEqual(await put("first", "b"), {
        ...{ name: "first", version: 2, created: false, unchanged: false },
      });
      assert.equal(await read("first", 2), "b");
      await put("other", value);
      const refs = { A: { secret: "first", version: 2 }, B: { secret: "other", version: 1 } };
      assert.deepEqual(await secrets.resolve(refs), { A: "b", B: value });
      assert.deepEqual(await secrets.resolve({}), {});
    });

    it("takes 64 KiB", async () => {
      const value = "ü".repeat(32 * 1024);
      await put("large", value);
      assert.equal(await read("large", 1), value);
    });

    it("changes nothing for the value that the newest version has", async () => {
      await put("same", "a");
      assert.deepEqual(await put("same", "a"), {
        ...{ name: "same", version: 1, created: false, unchanged: true },
      });
      await put("same", "b");
      assert.equal((await put("same", "a")).version, 3);
    });

    it("refuses names that are not valid, and knows none that is unknown", async () => {
      for (const wrong of ["", "A", "-a", "a-", "a.b", "a/b", "ä", "a".repeat(64)]) {
        await assert.rejects(put(wrong, "v"), { code: "invalid_name" }, wrong);
      }
      assert.equal(await secrets.describe("unknown"), undefined);
      assert.equal(await secrets.has("unknown", 1), false);
      assert.equal(await secrets.remove("unknown"), false);
      const gone = { code: "unknown_secret", detail: /"unknown" has no version 1 any more/ };
      await assert.rejects(read("unknown", 1), gone);
    });

    it("checks the version that is demanded", async () => {
      const refused = (detail: RegExp) => ({ code: "precondition_failed", detail });
      await assert.rejects(put("checked", "v", [1]), refused(/"checked" does not exist/));
      await assert.rejects(put("checked", "v", "any"), refused(/"checked" does not exist/));
      await put("checked", "one", null);
      await assert.rejects(put("checked", "v", null), refused(/"checked" has version 1/));
      await put("checked", "two", [7, 1]);
      await put("checked", "three", "any");
      for (const wrong of [[1], [2], [4], []]) {
        await assert.rejects(put("checked", "v", wrong), refused(/"checked" has version 3/));
        await assert.rejects(secrets.remove("checked", { ifVersion: wrong }), refused(/has version 3/));
      }
      assert.equal(await secrets.remove("checked", { ifVersion: [3] }), true);
    });

    it("lets one of many that demand the same version win", async () => {
      await put("race", "one");
      const values = ["a", "b", "c", "d", "e"];
      const tries = await Promise.allSettled(values.map((value) => put("race", value, [1])));
      assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
      const won = values[tries.findIndex(({ status }) => status === "fulfilled")];
      assert.equal(await read("race", 2), won);
    });

    it("gives puts at the same time numbers of their own", async () => {
      const made = await Promise.all(["a", "b", "c"].map((value) => put("crowd", value)));
      assert.deepEqual(made.map(({ version }) => version).sort(), [1, 2, 3]);
      assert.equal((await secrets.describe("crowd"))?.version, 3);
    });

    it("lists by page in order of name", async () => {
      for (const name of ["z-b", "z-a-b", "z-a", "z-b1"]) await put(name, "v");
      const names = async (limit: number, after: string) =>
        (await secrets.list({ limit, after })).map(({ name }) => name);
      assert.deepEqual(await names(10, "z"), ["z-a", "z-a-b", "z-b", "z-b1"]);
      assert.deepEqual(await names(2, "z-a"), ["z-a-b", "z-b"]);
      const [listed] = await secrets.list({ limit: 1, after: "z-a0" });
      const described = await secrets.describe("z-b");
      const { name, version, createdAt, updatedAt } = described!;
      assert.deepEqual(listed, { name, version, createdAt, updatedAt });
      assert.ok(createdAt.getTime() > 0 && updatedAt >= createdAt);
    });

    it("describes versions and users, and no value", async () => {
      await put("described", "value-one");
      await deploy("user-a", "described", 1);
      await put("described", "value-two");
      await deploy("user-a", "described", 2);
      await deploy("user-b", "described", 2);
      const described = (await secrets.describe("described"))!;
      assert.deepEqual([described.version, described.versions.map(({ version }) => version)], [2, [1, 2]]);
      assert.deepEqual(described.users, [
        { name: "user-a", version: 1, secretVersion: 1 },
        { name: "user-a", version: 2, secretVersion: 2 },
        { name: "user-b", version: 1, secretVersion: 2 },
      ]);
      assert.doesNotMatch(JSON.stringify([described, await secrets.list({ limit: 100 })]), /value-/);
    });

    it("counts a version that pulls its image with a secret among its users", async () => {
      await put("registry", "robot:one");
      await put("unpulled", "robot:one");
      const pulls = draftOf("pulls", 'export default () => "ok";', { pullSecret: "registry" });
      await publish(opened.platform, pulls);
      const users = (await secrets.describe("registry"))!.users;
      assert.deepEqual(users, [{ name: "pulls", version: 1, secretVersion: null }]);
      assert.deepEqual((await secrets.describe("unpulled"))!.users, []);
      // The versions of its users decide the number.
      assert.equal((await put("registry", "robot:two")).version, 2);
    });

    it("deletes an old value when no version of a function needs it, and not before", async () => {
      await put("old", "one");
      await deploy("keeper", "old", 1);
      await put("old", "two");
      await put("old", "three");
      await goes("old", 2);
      assert.deepEqual(await Promise.all([1, 2, 3].map((version) => secrets.has("old", version))), [
        true,
        false,
        true,
      ]);
      await deploy("keeper", "old", 3);
      await harness.swept(opened);
      assert.equal(await secrets.has("old", 1), true, "a rollback needs it");
      await opened.platform.remove("keeper");
      await goes("old", 1);
      assert.equal(await read("old", 3), "three");
    });

    it("keeps what is claimed", async () => {
      await put("claimed", "one");
      const { versions, release } = await secrets.claim(["claimed", "claimed", "unknown"]);
      assert.deepEqual([...versions], [["claimed", 1]]);
      await put("claimed", "two");
      assert.equal(await read("claimed", 1), "one");
      release();
      release();
      await goes("claimed", 1);
    });

    it("uses no number twice while a version of a function names it", async () => {
      await put("again", "one");
      await deploy("loyal", "again", 1);
      assert.equal(await secrets.remove("again"), true);
      assert.equal(await secrets.has("again", 1), false);
      assert.equal(await secrets.describe("again"), undefined);
      const { version, created } = await put("again", "two");
      assert.deepEqual([version, created], [2, true]);
      await assert.rejects(read("again", 1), { code: "unknown_secret" });
    });

    it("refuses everything once it is closed", async () => {
      const other = await harness.open();
      await other.platform.secrets.put("kept", { value: "v" });
      await other.platform.close({ drainMs: 0 });
      const closed = { code: "draining" };
      await assert.rejects(async () => other.platform.secrets.put("late", { value: "v" }), closed);
      await assert.rejects(async () => other.platform.secrets.list({ limit: 1 }), closed);
      await assert.rejects(async () => other.platform.secrets.claim(["kept"]), closed);
      if (!harness.isDurable) return await other.close();
      const again = await harness.reopen(other);
      assert.deepEqual(await again.platform.secrets.resolve({ V: { secret: "kept", version: 1 } }), {
        V: "v",
      });
      await again.close();
    });
  });
}
