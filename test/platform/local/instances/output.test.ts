import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { readLines } from "../../../../platform/local/instances/output.ts";

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, "close");
  return lines;
}

describe("the lines of an output", () => {
  const umlaut = Buffer.from("ü");
  for (const [what, chunks, wanted] of [
    ["in one chunk", ["a\nb\n"], ["a", "b"]],
    ["over several chunks", ["a", "b\nc", "\n"], ["ab", "c"]],
    ["with empty ones", ["\n\na\n"], ["", "", "a"]],
    ["without an end", ["a\nb"], ["a", "b"]],
    ["of nothing", [], []],
    ["with a character over two chunks", [umlaut.subarray(0, 1), umlaut.subarray(1), "\n"], ["ü"]],
    ["with half a character at the end", ["a", umlaut.subarray(0, 1)], ["a\ufffd"]],
    [
      "that are long",
      [`${"a".repeat(20_000)}\nb\n`],
      ["a".repeat(8_192), "a".repeat(8_192), "a".repeat(3_616), "b"],
    ],
    ["that never end", ["a".repeat(5_000), "a".repeat(5_000)], ["a".repeat(8_192), "a".repeat(1_808)]],
    [
      "that are long, whole characters in each piece",
      [`${"a".repeat(8_191)}\u{1f600}b\n`],
      ["a".repeat(8_191), "\u{1f600}b"],
    ],
    ["that fill a piece exactly", [`${"a".repeat(8_192)}\n`], ["a".repeat(8_192)]],
  ] as const) {
    it(`are told ${what}`, async () => assert.deepEqual(await linesOf(chunks), wanted));
  }

  it("pause the output when it is more than 1 MiB in a second, and lose nothing", async () => {
    const stream = new PassThrough();
    let lines = 0;
    readLines(stream, () => lines++);
    const line = `${"x".repeat(1_023)}\n`;
    const from = performance.now();
    for (let i = 0; i < 3_000; i++) stream.write(line);
    stream.end();
    await new Promise(setImmediate);
    assert.ok(stream.isPaused());
    assert.ok(lines >= 1_024 && lines < 1_200, `${lines} lines before the pause`);
    await once(stream, "close");
    assert.equal(lines, 3_000);
    assert.ok(performance.now() - from > 1_900);
  });
});
