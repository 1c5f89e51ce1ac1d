import assert from "node:assert/strict";
import { Heartbeat, type HeartbeatOptions } from "../../../events/delivery/heartbeat.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";

describe("the beats of a worker", () => {
  let heartbeat: Heartbeat | undefined;
  let beats: string[];
  let reclaims: unknown[];
  let ready: string[];
  let answers: (boolean | Error)[];
  beforeEach(() => {
    [beats, reclaims, ready, answers] = [[], [], [], []];
  });
  afterEach(() => heartbeat?.leave());

  const started = (options: Partial<HeartbeatOptions> = {}) => {
    const left: string[] = [];
    const calls: HeartbeatOptions["calls"] = {
      async beat(owner) {
        beats.push(owner);
        const answer = answers.shift() ?? true;
        if (answer instanceof Error) throw answer;
        return { isHeld: answer, givenBack: 0 };
      },
      beats: async () => [
        // Its clock is a year ahead, and it beats.
        { owner: "ahead", beatAt: 31_536_000_000 + beats.length },
        { owner: "silent", beatAt: 99_999 },
      ],
      async reclaim({ silent }) {
        reclaims.push(silent);
        return 0;
      },
      leave: async (owner) => void left.push(owner),
    };
    const common = { calls, isShared: true, now: () => 100_000, print: () => {}, beatMs: 10 };
    const onReady = () => void ready.push(heartbeat!.owner!);
    heartbeat = new Heartbeat({
      ...common,
      held: () => ({ running: [], dropped: [] }),
      onDropped: () => {},
      onReady,
      onLost: () => void ready.push("lost"),
      ...options,
    });
    heartbeat.start();
    return left;
  };

  it("come before the first lease, and end with the worker", async () => {
    const left = started();
    assert.equal(heartbeat!.owner, undefined);
    await eventually("it is ready", () => ready.length === 1);
    assert.deepEqual([ready[0], heartbeat!.owner], [beats[0], beats[0]]);
    await heartbeat!.leave();
    assert.deepEqual([left, heartbeat!.owner], [[beats[0]], undefined]);
    const count = beats.length;
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.equal(beats.length, count);
  });

  it("take calls of workers whose beat has not changed for 30 s, whatever the clocks say", async () => {
    let nowMs = 0;
    started({ monotonic: () => nowMs });
    await eventually("it has seen them", () => beats.length > 5);
    assert.deepEqual(reclaims, []);
    nowMs = 30_001;
    await eventually("it took them", () => reclaims.length > 0);
    assert.deepEqual(reclaims[0], [{ owner: "silent", beatAt: 99_999 }]);
  });

  it("take none before three beats in a row went well, and start to observe anew after an outage", async () => {
    const away = storeUnavailable("it is stopped");
    answers = [true, true, true, true, true, away, true, true, true, true, true, true];
    let nowMs = 0;
    started({ monotonic: () => nowMs });
    await eventually("it is away", () => beats.length >= 7);
    // Nobody could beat meanwhile.
    nowMs = 40_000;
    await eventually("there was time for it", () => beats.length >= 12);
    assert.deepEqual(reclaims, []);
  });

  it("say once that the store is away, also at the start", async () => {
    const away = storeUnavailable("it is stopped");
    answers = [away, away, away, true, true, away, away];
    const lines: string[] = [];
    started({ print: (line) => void lines.push(line) });
    await eventually("there was time for it", () => beats.length >= 8);
    assert.equal(lines.length, 2, lines.join("\n"));
    assert.match(lines[0]!, /^a worker of events did not reach the store: /);
  });

  it("take everything at the start if no other worker can be alive", async () => {
    started({ isShared: false });
    await eventually("it is ready", () => ready.length === 1);
    await eventually("it beats on", () => beats.length > 4);
    assert.deepEqual(reclaims, ["all"]);
  });

  it("go on under another id after the leases were taken away", async () => {
    answers = [true, false];
    started();
    await eventually("it is ready again", () => ready.length === 3);
    assert.equal(ready[1], "lost");
    assert.notEqual(ready[0], ready[2]);
    assert.deepEqual(beats.slice(0, 3), [ready[0], ready[0], ready[2]]);
  });
});
