import { strict as assert } from "node:assert";
import { DeployTurns, type Turn, type TurnLimits } from "../../../manager/deploys/deploy-turns.ts";
import { Problem } from "../../../platform/problems.ts";

const LIMITS: TurnLimits = {
  waitingPerName: 2,
  inAll: 4,
  bytesInAll: 200,
  waitingBytes: 100,
  waitMs: 60_000,
};
const NEVER = new AbortController().signal;
const turn = (name: string, more: Partial<Turn> = {}): Turn => ({ name, bytes: 0, signal: NEVER, ...more });

/** Work that goes on until it is told to end. */
function heldWork(log: string[]) {
  const ends = new Map<string, () => void>();
  const work = (label: string) => () =>
    new Promise<string>((resolve) => {
      log.push(label);
      ends.set(label, () => resolve(label));
    });
  return { work, end: (label: string) => ends.get(label)!() };
}

const isTooMany = (error: unknown) => error instanceof Problem && error.code === "too_many_waiting";

describe("manager: turns of deploys", () => {
  let log: string[];
  beforeEach(() => {
    log = [];
  });

  it("runs one of a name at a time, and different names side by side, however many", async () => {
    const turns = new DeployTurns(LIMITS);
    const { work, end } = heldWork(log);
    const a1 = turns.run(turn("a"), work("a1"));
    const a2 = turns.run(turn("a"), work("a2"));
    const b1 = turns.run(turn("b"), work("b1"));
    const c1 = turns.run(turn("c"), work("c1"));
    await Promise.resolve();
    assert.deepEqual(log, ["a1", "b1", "c1"]);
    end("a1");
    await a1;
    await Promise.resolve();
    assert.deepEqual(log, ["a1", "b1", "c1", "a2"]);
    for (const label of ["b1", "c1", "a2"]) end(label);
    assert.deepEqual(await Promise.all([a2, b1, c1]), ["a2", "b1", "c1"]);
  });

  it("gives the turn on when the work fails", async () => {
    const turns = new DeployTurns(LIMITS);
    const failing = turns.run(turn("a"), () => Promise.reject(new Error("no")));
    const next = turns.run(turn("a"), async () => "next");
    await assert.rejects(failing, /no/);
    assert.equal(await next, "next");
  });

  it("refuses more than may wait, for one name and altogether", async () => {
    const turns = new DeployTurns(LIMITS);
    const { work, end } = heldWork(log);
    const first = turns.run(turn("a"), work("a1"));
    const waiting = ["a", "a"].map((name) => turns.run(turn(name), async () => name));
    await assert.rejects(turns.run(turn("a"), work("a4")), isTooMany);
    const other = turns.run(turn("b"), work("b1"));
    await assert.rejects(turns.run(turn("c"), work("c1")), isTooMany);
    end("a1");
    await first;
    assert.deepEqual(await Promise.all(waiting), ["a", "a"]);
    assert.equal(await turns.run(turn("c"), async () => "c"), "c");
    end("b1");
    await other;
  });

  it("refuses what would hold more memory than may wait, or than all may hold", async () => {
    const turns = new DeployTurns(LIMITS);
    const { work, end } = heldWork(log);
    const first = turns.run(turn("a", { bytes: 90 }), work("a1"));
    const second = turns.run(turn("a", { bytes: 70 }), work("a2"));
    await assert.rejects(
      turns.run(turn("a", { bytes: 31 }), work("a3")),
      (error) =>
        isTooMany(error) &&
        /Waiting deploys hold sources of 70 bytes, at most 100 bytes/.test((error as Problem).detail),
    );
    await assert.rejects(
      turns.run(turn("b", { bytes: 41 }), work("b1")),
      (error) =>
        isTooMany(error) &&
        /Deploys hold sources of 160 bytes, at most 200 bytes/.test((error as Problem).detail),
    );
    const third = turns.run(turn("b", { bytes: 40 }), work("b2"));
    end("a1");
    await first;
    const fourth = turns.run(turn("c", { bytes: 90 }), work("c1"));
    for (const [label, done] of [
      ["b2", third],
      ["a2", second],
      ["c1", fourth],
    ] as const) {
      end(label);
      await done;
    }
    assert.deepEqual(log, ["a1", "b2", "a2", "c1"]);
  });

  it("gives up a wait that takes too long", async () => {
    const turns = new DeployTurns({ ...LIMITS, waitMs: 5 });
    const { work, end } = heldWork(log);
    const first = turns.run(turn("a"), work("a1"));
    await assert.rejects(turns.run(turn("a"), work("a2")), isTooMany);
    end("a1");
    await first;
    assert.deepEqual(log, ["a1"]);
  });

  it("lets go of one who is aborted, waiting or before", async () => {
    const turns = new DeployTurns(LIMITS);
    const { work, end } = heldWork(log);
    const first = turns.run(turn("a"), work("a1"));
    const leaver = new AbortController();
    const second = turns.run(turn("a", { signal: leaver.signal }), work("a2"));
    leaver.abort(new Error("left"));
    await assert.rejects(second, /left/);
    await assert.rejects(turns.run(turn("b", { signal: leaver.signal }), work("b1")), /left/);
    end("a1");
    await first;
    assert.equal(await turns.run(turn("a"), async () => "free"), "free");
    assert.deepEqual(log, ["a1"]);
  });
});
