import assert from "node:assert/strict";
import type { NewFlowVersion } from "../../../../store/flows/runs.ts";
import { NOON, type RunsHarness, type RunsStore } from "./new-run.ts";

/** Registers the tests of the texts of flows. */
export function versions(harness: RunsHarness): void {
  describe("versions of flows", () => {
    let store: RunsStore;
    beforeEach(async () => {
      store = await harness.open();
    });
    afterEach(() => harness.dispose());

    const version = (of: Partial<NewFlowVersion> = {}): NewFlowVersion => ({
      ...{ flow: "order", text: "steps: {}", hash: "h1", at: NOON, by: "token" },
      ...of,
    });

    it("are numbered by flow, and the newest is not repeated", async () => {
      const add = (of: Partial<NewFlowVersion> = {}) => store.runs.versions.add(version(of));
      const hashes = ["h1", "h1", "h2", "h1"];
      const numbers: number[] = [];
      for (const hash of hashes) numbers.push(await add({ hash, message: `it is ${hash}` }));
      assert.deepEqual(numbers, [1, 1, 2, 3]);
      assert.equal(await add({ flow: "other", text: "text 2" }), 1);
      assert.deepEqual(await store.runs.versions.get("order", 2), {
        ...version({ hash: "h2", message: "it is h2" }),
        version: 2,
      });
      assert.equal(await store.runs.versions.get("order", 4), undefined);
      const { text, ...head } = version({ flow: "other" });
      assert.deepEqual(await store.runs.versions.list("other"), [{ ...head, version: 1 }]);
      assert.deepEqual(
        (await store.runs.versions.list("order")).map((each) => each.version),
        [3, 2, 1],
      );
    });

    it("are added once by programs that learn of a text at the same time", async () => {
      const numbers = await Promise.all([1, 2, 3, 4].map(() => store.runs.versions.add(version())));
      assert.deepEqual(numbers, [1, 1, 1, 1]);
    });

    it("go on counting after their flow was removed", async () => {
      const { versions } = store.runs;
      for (const hash of ["h1", "h2"]) await versions.add(version({ hash }));
      await versions.add(version({ flow: "other" }));
      await versions.remove("order");
      await versions.remove("order");
      assert.deepEqual(await versions.list("order"), []);
      assert.equal(await versions.get("order", 2), undefined);
      assert.equal(await versions.add(version({ hash: "h2", text: "text 3" })), 3);
      assert.equal((await versions.get("order", 3))?.text, "text 3");
      assert.deepEqual(
        (await versions.list("order")).map((each) => each.version),
        [3],
      );
      assert.equal((await versions.list("other")).length, 1);
    });

    it("are kept up to the newest 50, until their flow is removed", async () => {
      for (let count = 1; count <= 52; count++) await store.runs.versions.add(version({ hash: `h${count}` }));
      const list = await store.runs.versions.list("order");
      assert.deepEqual([list.length, list[0]!.version, list.at(-1)!.version], [50, 52, 3]);
      assert.equal(await store.runs.versions.get("order", 2), undefined);
      await store.runs.versions.remove("order");
      assert.deepEqual(await store.runs.versions.list("order"), []);
    }).timeout(60_000);
  });
}
