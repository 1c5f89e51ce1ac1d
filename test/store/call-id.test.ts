import assert from "node:assert/strict";
import { newCallId } from "../../store/call-id.ts";
import { seededRandom } from "../support/seeded-random.ts";

describe("the id of a call", () => {
  const random = seededRandom(7);
  const now = Date.UTC(2026, 10, 29);

  it("is a UUIDv7 without dashes", () => {
    for (let i = 0; i < 100; i++)
      assert.match(newCallId(now, random), /^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    assert.match(
      newCallId(now, () => 0),
      /^[0-9a-f]{12}70008000000000000000$/,
    );
    assert.match(
      newCallId(now, () => 1 - Number.EPSILON),
      /^[0-9a-f]{12}7fffbfffffffffffffff$/,
    );
  });

  it("differs for each call of a millisecond", () => {
    assert.equal(new Set(Array.from({ length: 10_000 }, () => newCallId(now, random))).size, 10_000);
  });

  it("grows with time, and has it", () => {
    const ids = [0, 1, 2, 1_000, 86_400_000].map((ms) => newCallId(now + ms, random));
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(Number.parseInt(ids[4]!.slice(0, 12), 16), now + 86_400_000);
  });
});
