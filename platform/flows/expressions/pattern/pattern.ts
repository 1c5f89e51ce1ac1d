import type { Meter } from "../evaluation/meter.ts";
import { parsePattern } from "./parser.ts";
import { type Instruction, programOf } from "./program.ts";
import { contains, isWordChar } from "./syntax.ts";

/**
 * A regular expression whose time grows with the length of the text and of the pattern alone. JavaScript's own go back and try again, so that
 * `(a+)+b` stops a program for years.
 */
export class Pattern {
  readonly #program: readonly Instruction[];
  readonly #ignoresCase: boolean;

  /** Throws `ExpressionFault`. */
  constructor(text: string, meter: Meter) {
    const { syntax, ignoresCase } = parsePattern(ignoringCase(text));
    this.#program = programOf(syntax);
    this.#ignoresCase = ignoresCase;
    meter.spend(10 + text.length + this.#program.length);
  }

  /** True if the pattern is found anywhere in the text. */
  isIn(text: string, meter: Meter): boolean {
    const search = new Search(
      this.#program,
      Array.from(this.#ignoresCase ? text.toLowerCase() : text, codeOf),
    );
    return search.run(meter);
  }
}

/** The texts are compared in lower case: letters of the pattern too, but not those of escapes such as `\S`. */
function ignoringCase(text: string): string {
  return text.startsWith("(?i)")
    ? text.replace(/\\.|[^\\]/gsu, (part) =>
        part.length > 1 && part[0] === "\\" ? part : part.toLowerCase(),
      )
    : text;
}

function codeOf(char: string): number {
  return char.codePointAt(0)!;
}

class Search {
  readonly #program: readonly Instruction[];
  readonly #codes: readonly number[];
  /** The last position at which each instruction was reached: it is followed once for each position. */
  readonly #reached: Int32Array;
  #isMatched = false;

  constructor(program: readonly Instruction[], codes: readonly number[]) {
    this.#program = program;
    this.#codes = codes;
    this.#reached = new Int32Array(program.length).fill(-1);
  }

  run(meter: Meter): boolean {
    let states: number[] = [];
    for (let at = 0; at <= this.#codes.length; at++) {
      // A match may begin at each position.
      const next = this.#follow(states, at);
      if (this.#isMatched) return true;
      meter.spend(1 + (next.length >> 2));
      const code = this.#codes[at];
      if (code === undefined) return false;
      states = next.filter((state) => this.#reads(state, code)).map((state) => state + 1);
    }
    return false;
  }

  #reads(state: number, code: number): boolean {
    const instruction = this.#program[state]!;
    return instruction.op === "read" && contains(instruction.set, code);
  }

  /** The instructions that read, from these ones and the first one on. */
  #follow(states: readonly number[], at: number): number[] {
    const reading: number[] = [];
    const open = [0, ...states].reverse();
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (this.#reached[state] === at) continue;
      this.#reached[state] = at;
      const instruction = this.#program[state]!;
      if (instruction.op === "read") reading.push(state);
      else if (instruction.op === "match") this.#isMatched = true;
      else if (instruction.op === "jump") open.push(instruction.to);
      else if (instruction.op === "split") open.push(instruction.to, state + 1);
      else if (this.#isAt(instruction.what, at)) open.push(state + 1);
    }
    return reading;
  }

  #isAt(what: "start" | "end" | "boundary" | "noBoundary", at: number): boolean {
    if (what === "start") return at === 0;
    if (what === "end") return at === this.#codes.length;
    const isBoundary = isWordChar(this.#codes[at - 1]) !== isWordChar(this.#codes[at]);
    return isBoundary === (what === "boundary");
  }
}
