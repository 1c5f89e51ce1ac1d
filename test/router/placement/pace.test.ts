import assert from "node:assert/strict";
import { Pace, type Turn } from "../../../router/placement/pace.ts";

const TURN: Turn = { waiting: 100, inFlight: 10, patienceMs: 30_000 };

/** A queue that is served at this pace from 0 to `untilMs`, while somebody comes every 10 ms. */
function paceAfter(untilMs: number, everyMs: number): Pace {
  const pace = new Pace();
  pace.begin(0);
  for (let nowMs = 10; nowMs <= untilMs; nowMs += 10) {
    if (nowMs % everyMs === 0) pace.served();
    pace.tooLongMs({ ...TURN, waiting: 0 }, nowMs);
  }
  return pace;
}

describe("the pace of a queue", () => {
  it("is not known at first: everybody may wait", () => {
    assert.equal(paceAfter(400, 10).tooLongMs({ ...TURN, waiting: 1_000_000 }, 410), undefined);
  });

  it("lets a burst wait for as long as its patience, and refuses what would have to wait for longer", () => {
    const pace = paceAfter(900, 100);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 299 }, 910), undefined);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 300 }, 910), 30_100);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 100, patienceMs: 1_000 }, 910), 10_100);
  });

  it("takes on no more than two seconds' worth once the queue stands", () => {
    const pace = paceAfter(3_000, 10);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 199 }, 3_010), undefined);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 200 }, 3_010), 2_010);
  });

  it("takes on one more round of the calls under way, however long they take", () => {
    const pace = paceAfter(30_000, 5_000);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 1, inFlight: 2 }, 30_010), undefined);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 2, inFlight: 2 }, 30_010), 15_000);
  });

  it("falls when nobody has his turn any more", () => {
    const pace = paceAfter(900, 10);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 10 }, 1_010), undefined);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 10 }, 6_010), 55_000);
  });

  it("is forgotten when the queue was empty", () => {
    const pace = paceAfter(3_000, 1_000);
    pace.begin(3_000);
    assert.equal(pace.tooLongMs({ ...TURN, waiting: 1_000 }, 3_010), undefined);
  });
});
