import assert from "node:assert/strict";
import { EngineBeat, type EngineBeatOptions } from "../../../flows/engine/engine-beat.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";

describe("the beats of an engine", () => {
  let beat: EngineBeat | undefined;
  let beats: { owner: string; held: readonly string[] | undefined }[];
  let frees: unknown[];
  let lines: string[];
  let ready: number;
  let failures: Error[];
  let late: { owner: string; beatAt: number }[];
  let nowMs: number;
  beforeEach(() => {
    [beats, frees, lines, failures, late] = [[], [], [], [], []];
    ready = nowMs = 0;
  });
  afterEach(() => beat?.close());

  const start = (more: Partial<EngineBeatOptions> = {}) => {
    const runs: EngineBeatOptions["runs"] = {
      async beat(owner, _, held) {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        beats.push({ owner, held });
        return 0;
      },
      beats: async () => [
        // Its clock is a year ahead, and it beats.
        { owner: "ahead/1", beatAt: 31_536_000_000 + beats.length },
        { owner: "silent/1", beatAt: 99_999 },
        { owner: beats[0]!.owner, beatAt: 1 },
        ...late,
      ],
      async free({ of }) {
        frees.push(of);
        return 2;
      },
    };
    beat = new EngineBeat({
      ...{ runs, identity: "pod-1", isShared: true, now: () => 100_000, beatMs: 5, monotonic: () => nowMs },
      ...{ print: (line) => lines.push(line), held: () => ["a"], onReady: () => void ready++, ...more },
    });
    beat.start();
  };

  it("free the runs of this program before its restart, and come before the first claim", async () => {
    start();
    assert.equal(beat!.owner, undefined);
    await eventually("it is ready", () => ready === 1);
    assert.deepEqual(frees[0], { prefix: "pod-1/" });
    assert.match(beat!.owner!, /^pod-1\/[-0-9a-f]{36}$/);
    assert.deepEqual(beats[0], { owner: beat!.owner, held: ["a"] });
  });

  it("free at once what the program before the restart stored after the first look", async () => {
    start();
    await eventually("it beats", () => beats.length > 2);
    assert.equal(frees.length, 1);
    late = [{ owner: "pod-1/before", beatAt: 99_999 }];
    await eventually("it freed them", () => frees.length > 1);
    assert.deepEqual(frees[1], late);
  });

  it("free all runs where no other program can have one", async () => {
    start({ isShared: false });
    await eventually("it beats", () => beats.length > 4);
    assert.deepEqual(frees, ["all"]);
  });

  it("free runs of engines whose beat has not changed for 30 s, whatever the clocks say", async () => {
    start();
    await eventually("it has seen them", () => beats.length > 5);
    assert.equal(frees.length, 1);
    nowMs = 30_001;
    await eventually("it freed them", () => frees.length > 1);
    assert.deepEqual(frees[1], [{ owner: "silent/1", beatAt: 99_999 }]);
    assert.match(lines.join(), /2 runs of engines that died go on/);
  });

  it("are tried again while the store is away, which kills nobody", async () => {
    failures = [storeUnavailable("it is stopped"), storeUnavailable("it is stopped")];
    start();
    await eventually("it is ready", () => ready === 1);
    assert.deepEqual(lines.length, 1);
    nowMs = 20_000;
    failures = [storeUnavailable("it is stopped")];
    await eventually("it was away", () => lines.length === 2);
    nowMs = 40_000;
    const { length } = beats;
    await eventually("it beats again", () => beats.length > length + 4);
    assert.equal(frees.length, 1);
  });
});
