import assert from "node:assert/strict";
import { isSampled, isTraceparent, NewTraces, parentIdOf, traceIdOf } from "../../../http/traceparent.ts";
import { Harness, raw } from "../support/harness.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const GIVEN = `00-${TRACE}-${PARENT}-01`;
const CREATED = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/;

describe("a traceparent", () => {
  for (const text of [
    GIVEN,
    `00-${TRACE}-${PARENT}-00`,
    `cc-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-more`,
  ]) {
    it(`is valid as ${text}`, () => assert.ok(isTraceparent(text)));
  }

  const invalid = {
    "in upper case": GIVEN.toUpperCase(),
    "of version ff": `ff-${TRACE}-${PARENT}-01`,
    "with an empty trace id": `00-${"0".repeat(32)}-${PARENT}-01`,
    "with an empty parent id": `00-${TRACE}-${"0".repeat(16)}-01`,
    "of version 00 with more after it": `${GIVEN}-more`,
    "of a later version with more that is not set apart": `cc-${TRACE}-${PARENT}-01more`,
    "of more than 512 characters": `cc-${TRACE}-${PARENT}-01-${"x".repeat(500)}`,
    "that is too short": GIVEN.slice(1),
    "with spaces": ` ${GIVEN}`,
    "of other words": "00-ab-cd-01",
    "that is empty": "",
  };
  for (const [what, text] of Object.entries(invalid)) {
    it(`is none ${what}`, () => assert.ok(!isTraceparent(text)));
  }

  it("says trace, parent and whether that was recorded", () => {
    assert.deepEqual([traceIdOf(GIVEN), parentIdOf(GIVEN), isSampled(GIVEN)], [TRACE, PARENT, true]);
    assert.ok(!isSampled(`00-${TRACE}-${PARENT}-02`));
  });

  it("is made valid, not recorded, and never twice the same", () => {
    const ids = new NewTraces();
    const made = Array.from({ length: 1_000 }, () => ids.next());
    for (const text of made) assert.ok(CREATED.test(text) && isTraceparent(text), text);
    assert.equal(new Set(made.map(traceIdOf)).size, 1_000);
    assert.equal(new Set(made.map(parentIdOf)).size, 1_000);
  });
});

describe("the trace of a call", () => {
  let harness: Harness;
  let seen: string[] = [];
  beforeEach(async () => {
    harness = await Harness.start();
    await harness.serve((request, response) => {
      seen = request.rawHeaders;
      response.end();
    });
  });
  afterEach(() => harness.close());

  /** The values of a field as the instance got it. */
  async function passedOn(fields: string): Promise<{ parents: string[]; states: string[] }> {
    const head = `GET /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;
    assert.match(await raw(harness.port, head), /^HTTP\/1\.1 200/);
    const values = (name: string) =>
      seen.filter((_, index) => index % 2 === 1 && seen[index - 1]!.toLowerCase() === name);
    return { parents: values("traceparent"), states: values("tracestate") };
  }

  it("goes on as it came, with its state", async () => {
    assert.deepEqual(await passedOn(`TraceParent: ${GIVEN}\r\ntracestate: a=1\r\nTracestate: b=2\r\n`), {
      parents: [GIVEN],
      states: ["a=1,b=2"],
    });
  });

  it("begins here when the call has none; a state alone is nothing", async () => {
    const { parents, states } = await passedOn("tracestate: a=1\r\n");
    assert.match(parents.join(), CREATED);
    assert.deepEqual(states, []);
  });

  for (const [what, fields] of Object.entries({
    "is not valid": "traceparent: 00-ab-cd-01\r\n",
    "is there twice": `traceparent: ${GIVEN}\r\ntraceparent: ${GIVEN}\r\n`,
  })) {
    it(`begins anew when what came ${what}, without the state`, async () => {
      const { parents, states } = await passedOn(`${fields}tracestate: a=1\r\n`);
      assert.match(parents.join(), CREATED);
      assert.notEqual(traceIdOf(parents[0]!), TRACE);
      assert.deepEqual(states, []);
    });
  }
});
