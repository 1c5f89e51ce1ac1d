import assert from "node:assert/strict";
import {
  encodeHeader,
  type Frame,
  FrameReader,
  HEADER_BYTES,
} from "../../../../runtimes/deno/build/frames.ts";
import { readProblem } from "../../../../runtimes/deno/build/reported-problem.ts";
import type { Reply } from "../../../../runtimes/deno/build/tasks.ts";
import { lineAt, startsOfLines } from "../../../../runtimes/deno/build/worker/diagnostics.ts";
import { withInlineMap } from "../../../../runtimes/deno/build/worker/inline-map.ts";
import { plainJson } from "../../../../runtimes/deno/build/worker/jsonc.ts";

type ProblemReply = Extract<Reply, { outcome: "problem" }>;

describe("frames between Skiff and a build worker", () => {
  const body = Buffer.from("first");
  const whole = Buffer.concat([encodeHeader({ a: "é" }, body.length), body]);
  const empty = encodeHeader({}, 0);

  it("arrive whole in whatever pieces they come", () => {
    for (const size of [1, 3, 7, whole.length, 3 * whole.length]) {
      const frames: Frame[] = [];
      const reader = new FrameReader(10, (frame) => frames.push(frame));
      const stream = Buffer.concat([whole, empty, whole]);
      for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
      const frame = { header: { a: "é" }, body };
      assert.deepEqual(frames, [frame, { header: {}, body: Buffer.alloc(0) }, frame]);
    }
  });

  it("are refused when they announce more than they may have", () => {
    const reader = () => new FrameReader(4, () => assert.fail("a frame"));
    assert.throws(() => reader().push(whole), /too long/);
    const header = Buffer.alloc(8);
    header.writeUInt32LE(HEADER_BYTES + 1);
    assert.throws(() => reader().push(header), /too long/);
    assert.throws(() => encodeHeader("a".repeat(HEADER_BYTES), 0), /too long/);
  });

  it("bring problems of sources alone, with what belongs to one", () => {
    const reply: ProblemReply = {
      outcome: "problem",
      code: "build_failed",
      detail: "no",
      extensions: { setting: "S" },
    };
    const extensions = { setting: "S", log: ["x"], retryAfterS: 5, errors: [] };
    const { code, detail, extensions: kept } = readProblem({ ...reply, extensions });
    assert.deepEqual(
      { code, detail, kept },
      { code: "build_failed", detail: "no", kept: { errors: [], setting: "S" } },
    );
    for (const wrong of [
      { code: "unauthorized" },
      { code: "constructor" },
      { detail: 7 },
      { extensions: null },
    ]) {
      assert.throws(() => readProblem({ ...reply, ...wrong } as ProblemReply), /unknown problem/);
    }
  });
});

describe("JSON with comments", () => {
  const cases: Record<string, string> = {
    '{"a": 1}': '{"a": 1}',
    '{"a": "//", /* x */ "b": "/*"} // end': '{"a": "//",  "b": "/*"} ',
    "[1, 2, /* x */ ]": "[1, 2  ]",
    "[1,\n]": "[1\n]",
    '{"a\\"//": 1,}': '{"a\\"//": 1}',
    '"open // ': '"open // ',
    "/* open": "",
    "[,]": "[]",
  };
  for (const [text, plain] of Object.entries(cases)) {
    it(`becomes plain: ${JSON.stringify(text)}`, () => assert.equal(plainJson(text), plain));
  }
});

describe("the lines of a text", () => {
  const text = "a\nbb\r\nccc\rd\u2028e\u2029";
  it("end where esbuild lets them end", () => {
    assert.deepEqual([...startsOfLines(text)], [0, 2, 6, 10, 12, 14]);
    const lines = Array.from({ length: 7 }, (_, n) => lineAt(text, n + 1));
    assert.deepEqual(lines, ["a", "bb", "ccc", "d", "e", "", undefined]);
  });
});

describe("the map of a module", () => {
  it("is the last line, behind the code without the space at its end", () => {
    const lines = withInlineMap(Buffer.from("code; // é  \n\n"), `{"a": "é"}`).toString().split("\n");
    const [code, comment, rest, ...more] = lines;
    const [, data = ""] = /^\/\/# sourceMappingURL=data:application\/json;base64,(.*)$/.exec(comment!) ?? [];
    assert.deepEqual([code, rest, more], ["code; // é", "", []]);
    assert.equal(Buffer.from(data, "base64").toString(), `{"a": "é"}`);
  });
});
