import assert from "node:assert/strict";
import { lookBack } from "../../../../flows/engine/waits/look-back.ts";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import type { Begun } from "../../../../platform/flows/run/entry.ts";
import type { OpenWait } from "../../../../platform/flows/run/machine.ts";
import type { StoredEvent } from "../../../../store/topics.ts";

const BEGUN = { at: 1_000 } as Begun;

/** A topic whose events are numbers, at positions from 1. */
function topicOf(data: readonly number[]) {
  const read: number[] = [];
  const events = data.map((number, index) => ({
    ...{ id: String(index), source: "/test", type: "t", topic: "payments", publishedAt: 2_000 },
    ...{ position: index + 1, attributes: {}, data: { inline: Buffer.from(String(number)) } },
  })) as unknown as readonly StoredEvent[];
  const topics = {
    positionAt: async () => 0,
    read: async (_: string, after: number, most: number) => {
      const found = events.filter(({ position }) => position > after).slice(0, most);
      read.push(...found.map(({ position }) => position));
      return found;
    },
  };
  const bodies = { read: () => assert.fail("there are no bodies") };
  return {
    read,
    source: { topics, bodies, expressions: new Expressions(), print: (line: string) => assert.fail(line) },
  };
}

function wait(step: string, equals: unknown, taken: readonly number[] = []): OpenWait {
  return { step, topic: "payments", by: "event.data", equals, since: 3_000, taken: new Set(taken) };
}

describe("a look at the events before a wait", () => {
  it("finds another event for each of the waits for the same", async () => {
    const { source } = topicOf([7, 8, 7, 7]);
    const run = { begun: BEGUN, passed: new Map<string, number>() };
    const found = await lookBack(run, [wait("a", 7), wait("b", 7), wait("c", 8), wait("d", 9)], source);
    assert.deepEqual(
      found.map((signal) => signal.kind === "event" && [signal.step, signal.position]),
      [
        ["a", 1],
        ["c", 2],
        ["b", 3],
      ],
    );
  });

  it("leaves out what is taken, and finds an event that was found and not taken", async () => {
    const { source } = topicOf([7, 7, 7]);
    const run = { begun: BEGUN, passed: new Map<string, number>() };
    const positions = async (...waits: OpenWait[]) =>
      (await lookBack(run, waits, source)).map((signal) => signal.kind === "event" && signal.position);
    assert.deepEqual(await positions(wait("a", 7)), [1]);
    // A newer event was quicker, so that the first one is left for the next wait.
    assert.deepEqual(await positions(wait("b", 7, [2])), [1]);
    assert.deepEqual(await positions(wait("c", 7, [1, 2])), [3]);
    assert.deepEqual(await positions(wait("d", 7, [1, 2, 3])), []);
  });

  it("reads no event again and again for a loop that waits", async () => {
    const events = Array.from({ length: 500 }, () => 7);
    const { source, read } = topicOf(events);
    const run = { begun: BEGUN, passed: new Map<string, number>() };
    const taken: number[] = [];
    for (const _ of events) {
      const [signal] = await lookBack(run, [wait("a", 7, taken)], source);
      assert.ok(signal?.kind === "event");
      taken.push(signal.position);
    }
    assert.deepEqual(
      taken,
      events.map((_, index) => index + 1),
    );
    assert.ok(read.length <= 101 * events.length, `${read.length} events were read`);
    assert.deepEqual(await lookBack(run, [wait("a", 7, taken)], source), []);
    const before = read.length;
    assert.deepEqual(await lookBack(run, [wait("a", 7, taken)], source), []);
    assert.equal(read.length, before, "all are known");
  });
});
