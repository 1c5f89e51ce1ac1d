import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseFlow } from "../../../platform/flows/definition/parse.ts";
import { OPTIONS } from "./parsing.ts";

const PAGE = readFileSync(new URL("../../../docs/flows.md", import.meta.url), "utf8");
const TEXTS = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ", ",
  "\n",
  "  ",
  "- ",
  "${",
  '"',
  "'",
  "!",
  "*a",
  "&a",
  "#",
  "|",
  ">",
  "null",
  "\t",
  "0",
  "é",
  "💥",
];
const ROUNDS = 600;

/** A generator of numbers from 0 to below `most` that repeats itself (mulberry32). */
function seeded(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** Cuts, inserts or moves a part of the text. */
function broken(text: string, random: (most: number) => number): string {
  const [a, b] = [random(text.length), random(12)];
  const piece =
    random(3) === 0 ? text.slice(random(text.length)).slice(0, random(20)) : PIECES[random(PIECES.length)]!;
  return text.slice(0, a) + (random(3) === 0 ? "" : piece) + text.slice(a + (random(2) === 0 ? 0 : b));
}

describe("parseFlow with broken texts", () => {
  it("always answers a definition, or faults that are in the text", () => {
    const random = seeded(111);
    let faulty = 0;
    for (let round = 0; round < ROUNDS; round++) {
      let text = TEXTS[random(TEXTS.length)]!;
      for (let times = random(3); times >= 0; times--) text = broken(text, random);
      const { faults } = parseFlow(text, { ...OPTIONS, name: "order" });
      if (faults !== undefined) faulty++;
      const lines = text.split(/\r?\n/);
      for (const { line, column, lineText, message } of faults ?? []) {
        assert.equal(lineText, lines[line - 1]?.slice(0, 200), text);
        assert.ok(
          column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1,
          `column ${column} of ${lineText}`,
        );
        assert.match(message, /[.?]$/);
      }
      if (faults !== undefined) assert.ok(faults.length > 0, text);
    }
    assert.ok(faulty > ROUNDS / 4, `${faulty} faulty`);
  });
});
