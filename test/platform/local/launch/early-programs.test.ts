import assert from "node:assert/strict";
import { EarlyPrograms } from "../../../../platform/local/launch/early-programs.ts";
import type { Prepared } from "../../../../platform/local/wall/sandboxes.ts";
import { eventually } from "../../../support/eventually.ts";

interface FakeSandbox {
  readonly sandbox: { isEnded: boolean };
}

describe("the program of a module that is still being built", () => {
  let taken: FakeSandbox[];
  let discarded: unknown[];
  let programs: EarlyPrograms;
  const start = (key: string, run: (prepared: Prepared) => void = () => {}) =>
    programs.start({ key, net: ["public"], run });

  beforeEach(() => {
    taken = [];
    discarded = [];
    programs = new EarlyPrograms({
      take: async () => {
        const made = { sandbox: { isEnded: false } };
        taken.push(made);
        return made as unknown as Prepared;
      },
      discard: async (prepared) => {
        discarded.push(prepared);
        return [];
      },
    });
  });
  afterEach(() => programs.close());

  it("is for a launch that needs the same one, once", async () => {
    const run: unknown[] = [];
    start("a", (prepared) => run.push(prepared));
    assert.equal(await programs.take("b"), undefined);
    const prepared = await programs.take("a");
    assert.deepEqual([prepared], taken);
    assert.deepEqual(run, taken);
    assert.equal(await programs.take("a"), undefined);
    await programs.close();
    assert.deepEqual(discarded, []);
  });

  it("is the only one at a time", async () => {
    start("a");
    start("b");
    assert.equal(await programs.take("b"), undefined);
    assert.deepEqual([await programs.take("a")], taken);
    start("b");
    assert.equal(await programs.take("b"), taken[1]);
  });

  it("ends when no launch needs it in time", async () => {
    start("a");
    await eventually("it is discarded", () => discarded.length === 1);
    assert.deepEqual(discarded, taken);
    assert.equal(await programs.take("a"), undefined);
  });

  it("ends with the platform", async () => {
    start("a");
    await programs.close();
    assert.deepEqual(discarded, taken);
  });

  it("is not used once it has ended", async () => {
    start("a");
    await Promise.resolve();
    taken[0]!.sandbox.isEnded = true;
    assert.equal(await programs.take("a"), undefined);
    assert.deepEqual(discarded, taken);
  });

  it("leaves an error to the launch, and no sandbox behind", async () => {
    start("a", () => {
      throw new Error("a full disk");
    });
    assert.equal(await programs.take("a"), undefined);
    assert.deepEqual(discarded, taken);
  });
});
