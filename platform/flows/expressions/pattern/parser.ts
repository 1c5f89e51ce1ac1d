import { ExpressionFault } from "../fault.ts";
import { ANY_CHAR, type CharSet, CLASSES, rangesOf, type Syntax } from "./syntax.ts";

/** Characters of a pattern, and repetitions in `{n,m}`. */
const MAX_PATTERN = 1000;
const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, "0": 0 };
const ANCHORS: Readonly<Record<string, Syntax>> = {
  A: { kind: "start" },
  z: { kind: "end" },
  b: { kind: "boundary" },
  B: { kind: "noBoundary" },
};

export interface ParsedPattern {
  readonly syntax: Syntax;
  /** `(?i)` at the start. */
  readonly ignoresCase: boolean;
}

/** The syntax of RE2: what JavaScript has, without references to groups and without looking ahead or behind. Throws `ExpressionFault`. */
export function parsePattern(pattern: string): ParsedPattern {
  if (pattern.length > MAX_PATTERN) {
    throw new ExpressionFault(`A pattern has at most ${MAX_PATTERN} characters, not ${pattern.length}.`);
  }
  const ignoresCase = pattern.startsWith("(?i)");
  const parser = new PatternParser(Array.from(ignoresCase ? pattern.slice(4) : pattern), pattern);
  return { syntax: parser.parse(), ignoresCase };
}

class PatternParser {
  readonly #chars: readonly string[];
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  constructor(chars: readonly string[], pattern: string) {
    this.#chars = chars;
    this.#pattern = pattern;
  }

  parse(): Syntax {
    const found = this.#either();
    if (this.#at < this.#chars.length) throw this.#fault("a `)` without a `(`");
    return found;
  }

  #either(): Syntax {
    if (++this.#depth > MAX_DEPTH) throw this.#fault("more than 100 groups in each other");
    const parts = [this.#sequence()];
    while (this.#takes("|")) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0]! : { kind: "either", parts };
  }

  #sequence(): Syntax {
    const parts: Syntax[] = [];
    while (this.#at < this.#chars.length && this.#chars[this.#at] !== "|" && this.#chars[this.#at] !== ")") {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", parts };
  }

  #repeated(part: Syntax): Syntax {
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    // Whether a match is the longest or the shortest one makes no difference to whether there is one.
    this.#takes("?");
    if (this.#bounds() !== undefined) throw this.#fault("a repetition of a repetition");
    return { kind: "repeat", part, ...bounds };
  }

  #bounds(): { least: number; most: number | undefined } | undefined {
    if (this.#takes("*")) return { least: 0, most: undefined };
    if (this.#takes("+")) return { least: 1, most: undefined };
    if (this.#takes("?")) return { least: 0, most: 1 };
    const found = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#chars.slice(this.#at, this.#at + 12).join(""));
    if (found === null) return undefined;
    this.#at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === "" ? undefined : Number(found[3]);
    if (least > MAX_REPEAT || (most ?? 0) > MAX_REPEAT || (most !== undefined && most < least)) {
      throw this.#fault(`the repetition \`${found[0]}\`: 0 to ${MAX_REPEAT} in order are possible`);
    }
    return { least, most };
  }

  #atom(): Syntax {
    const char = this.#chars[this.#at++]!;
    if (char === "(") return this.#group();
    if (char === "[") return { kind: "set", set: this.#set() };
    if (char === ".") return { kind: "set", set: ANY_CHAR };
    if (char === "^") return { kind: "start" };
    if (char === "$") return { kind: "end" };
    if (char === "\\") return this.#escape();
    if ("*+?".includes(char)) throw this.#fault(`a \`${char}\` that repeats nothing`);
    return { kind: "set", set: only(char.codePointAt(0)!) };
  }

  #group(): Syntax {
    if (this.#takes("?")) {
      if (this.#takes("P")) this.#name();
      else if (this.#chars[this.#at] === "<" && !"=!".includes(this.#chars[this.#at + 1] ?? "")) this.#name();
      else if (!this.#takes(":"))
        throw this.#fault("`(?`: looking ahead or behind, and options but `(?i)` at the start");
    }
    const found = this.#either();
    if (!this.#takes(")")) throw this.#fault("a `(` without a `)`");
    return found;
  }

  #name(): void {
    const end = this.#chars.indexOf(">", this.#at);
    if (this.#chars[this.#at] !== "<" || end === -1) throw this.#fault("a group without a name");
    this.#at = end + 1;
  }

  #escape(): Syntax {
    const char = this.#chars[this.#at];
    const anchor = char === undefined ? undefined : ANCHORS[char];
    if (anchor === undefined) return { kind: "set", set: this.#escaped() };
    this.#at++;
    return anchor;
  }

  /** After a backslash. */
  #escaped(): CharSet {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw this.#fault("a `\\` at the end");
    const found = CLASSES[char];
    if (found !== undefined) return found;
    if (char === "x") return this.#hex(2);
    if (char === "u") return this.#hex(4);
    const code = ESCAPES[char];
    if (code !== undefined) return only(code);
    if (/[1-9k]/.test(char)) throw this.#fault("a reference to a group");
    if (/[a-zA-Z]/.test(char)) throw this.#fault(`\`\\${char}\``);
    return only(char.codePointAt(0)!);
  }

  #hex(digits: number): CharSet {
    const text = this.#chars.slice(this.#at, this.#at + digits).join("");
    if (!/^[0-9a-fA-F]+$/.test(text) || text.length !== digits)
      throw this.#fault("a code that is not hexadecimal");
    this.#at += digits;
    return only(Number.parseInt(text, 16));
  }

  #set(): CharSet {
    const isNegated = this.#takes("^");
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; isFirst || this.#chars[this.#at] !== "]"; isFirst = false) {
      if (this.#at >= this.#chars.length) throw this.#fault("a `[` without a `]`");
      const from = this.#member();
      const isRange = this.#chars[this.#at] === "-" && !["]", undefined].includes(this.#chars[this.#at + 1]);
      if (!isRange) {
        ranges.push(...rangesOf(from));
        continue;
      }
      this.#at++;
      ranges.push(this.#range(from, this.#member()));
    }
    this.#at++;
    return { ranges, isNegated };
  }

  #member(): CharSet {
    const char = this.#chars[this.#at++]!;
    if (char === "[" && this.#chars[this.#at] === ":") throw this.#fault("`[:`");
    return char === "\\" ? this.#escaped() : only(char.codePointAt(0)!);
  }

  #range(from: CharSet, to: CharSet): readonly [number, number] {
    const [start, end] = [from.ranges[0]?.[0] ?? 0, to.ranges[0]?.[0] ?? 0];
    const isPair = [from, to].every(
      ({ ranges, isNegated }) => !isNegated && ranges.length === 1 && ranges[0]![0] === ranges[0]![1],
    );
    if (!isPair || start > end) throw this.#fault("a range that is out of order");
    return [start, end];
  }

  #takes(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #fault(what: string): ExpressionFault {
    const pattern = this.#pattern.length > 60 ? `${this.#pattern.slice(0, 60)}…` : this.#pattern;
    return new ExpressionFault(`The pattern \`${pattern}\` has ${what}, which \`matches\` does not support.`);
  }
}

function only(code: number): CharSet {
  return { ranges: [[code, code]], isNegated: false };
}
