import assert from "node:assert/strict";
import { seededRandom, testSeed } from "../support/seeded-random.ts";
import { ModelRun } from "./model/model-run.ts";

/** Runs of random flows. More of them find what is rarer. */
const RUNS = Number(process.env.SKIFF_MODEL_RUNS ?? 1_000);

describe("any run of any flow", () => {
  it("opens no attempt twice, has one result of each, and ends", function () {
    this.timeout(60_000 + RUNS * 50);
    const first = testSeed();
    const ends = new Map<string, number>();
    for (let index = 0; index < RUNS; index++) {
      const seed = (first + index) >>> 0;
      const state = checked(seed);
      ends.set(state, (ends.get(state) ?? 0) + 1);
    }
    if (RUNS >= 100)
      assert.deepEqual([...ends.keys()].sort(), ["cancelled", "done", "failed"], "all ends were tried");
  });
});

function checked(seed: number): string {
  const random = seededRandom(seed);
  const run = new ModelRun(random);
  try {
    for (let turns = 0; turns < 40 && !run.isEnded; turns++) run.step();
    run.checkFold();
    run.toEnd();
    const end = run.row!.state;
    if (random() < 0.3) {
      run.reopen();
      for (let turns = 0; turns < 10 && !run.isEnded; turns++) run.step();
      run.toEnd();
    }
    run.checkFold();
    return end;
  } catch (error) {
    const { definition } = run.stream.entries[0] as { definition?: unknown };
    console.log(JSON.stringify(definition), `\n${run.log.slice(-60).join("\n")}`);
    throw new Error(`SKIFF_TEST_SEED=${seed} SKIFF_MODEL_RUNS=1 repeats this run`, { cause: error });
  }
}
