import assert from "node:assert/strict";
import { differenceOf } from "./fuzz/comparison.ts";
import { CHUNK_LINES, reasonAgainst, TRAILERS } from "./fuzz/less-accepted.ts";
import { type Change, MemoryLane } from "./fuzz/readers/lanes.ts";
import { compare, Difference, fuzz } from "./fuzz/run.ts";
import { CORPUS, inParts, whole } from "./fuzz/scripts/corpus.ts";

/** Of these, one in ten goes over the system's sockets. */
const REQUESTS = fromEnv("SKIFF_FUZZ_REQUESTS", () => 20_000);
const SEED = fromEnv("SKIFF_FUZZ_SEED", () => Math.floor(Math.random() * 2 ** 32));
const SOCKETS_SHARE = 0.1;
/** For a busy machine: mostly a request takes a quarter of a millisecond. */
const MOST_MS_PER_REQUEST = 3;

/** A run that always finds the same. */
const FIXED = { seed: 1, requests: 20_000, transport: "memory" } as const;

/** Readers that are wrong, made by changing the bytes that one of them gets. */
const WRONG: Readonly<Record<string, Change>> = {
  "loses a byte now and then": (bytes) => (bytes.length % 97 === 0 ? bytes.slice(0, -1) : bytes),
  "refuses some chunk extensions": (bytes) => bytes.replace(";a=b\r\n", ";a b\r\n"),
  "takes chunk extensions for sizes": (bytes) => bytes.replace(/^([0-9a-f]+);a\r\n/m, "$10;a\r\n"),
  "takes a line feed for a line break": (bytes) => bytes.replace(/(?<=[^\r])\n(?=[A-Z0])/g, "\r\n"),
  "loses a trailer": (bytes) => bytes.replace("x-late: 1\r\n", ""),
  "prefers the length to the coding": (bytes) =>
    bytes.replace(/(Content-Length: \d+\r\n)Transfer-Encoding: chunked\r\n/, "$1"),
  "takes HTTP/1.2 for HTTP/1.1": (bytes) => bytes.replace("HTTP/1.2", "HTTP/1.1"),
  "joins folded lines": (bytes) => bytes.replace("\r\n folded", ", folded"),
};

describe("the fast path reads what Node's parser reads, and nothing differently", function () {
  this.timeout(Math.max(60_000, REQUESTS * MOST_MS_PER_REQUEST));

  before(() => console.log(`      random requests of SKIFF_FUZZ_SEED=${SEED}`));

  it(`in ${REQUESTS} random requests, most of them in memory`, async () => {
    const most = Math.round(REQUESTS * (1 - SOCKETS_SHARE));
    const { requests } = await fuzz({ seed: SEED, requests: most, transport: "memory" });
    assert.ok(requests >= most);
  });

  it("and over sockets, with bodies of many reads", async () => {
    const some = Math.round(REQUESTS * SOCKETS_SHARE);
    const { requests } = await fuzz({ seed: SEED, requests: some, transport: "sockets" });
    assert.ok(requests >= some);
  });

  for (const [title, script] of CORPUS) {
    it(`in ${title}`, () => compare(script, new MemoryLane(), FIXED));
  }

  for (const [i, { reason, example }] of [...CHUNK_LINES, ...TRAILERS].entries()) {
    it(`but refuses ${reason}, in a body that comes after its head`, async () => {
      const isTrailer = i >= CHUNK_LINES.length;
      const body = isTrailer ? `5\r\nhello\r\n0\r\n${example}\r\n\r\n` : `${example}\r\nhello\r\n0\r\n\r\n`;
      const parts = ["POST /fn/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", body];
      const script = inParts({ answers: [whole(0)] }, parts);
      const outcomes = await new MemoryLane().play(script);
      assert.deepEqual(
        outcomes.map(({ seen }) => seen.map(({ state }) => state)),
        [["broken"], ["whole"]],
      );
      assert.equal(reasonAgainst(script.bytes, 0), reason);
      assert.equal(differenceOf(script, ...outcomes), undefined);
    });
  }

  for (const [title, change] of Object.entries(WRONG)) {
    it(`and a reader that ${title} is found`, () => assert.rejects(fuzz({ ...FIXED, change }), Difference));
  }
});

function fromEnv(name: string, otherwise: () => number): number {
  const text = process.env[name];
  const value = text === undefined ? otherwise() : Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name}=${text} is not a whole number`);
  return value;
}
