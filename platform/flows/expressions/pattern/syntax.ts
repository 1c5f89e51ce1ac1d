/** Ranges of code points, both ends included. */
export interface CharSet {
  readonly ranges: readonly (readonly [number, number])[];
  readonly isNegated: boolean;
}

/** A parsed pattern. */
export type Syntax =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "start" | "end" | "boundary" | "noBoundary" }
  | { readonly kind: "sequence" | "either"; readonly parts: readonly Syntax[] }
  /** `most` undefined: any number of times. */
  | {
      readonly kind: "repeat";
      readonly part: Syntax;
      readonly least: number;
      readonly most: number | undefined;
    };

const DIGITS: CharSet["ranges"] = [[48, 57]];
const WORD: CharSet["ranges"] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: CharSet["ranges"] = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x2028, 0x2029],
  [0xfeff, 0xfeff],
];

const WORD_CHARS: CharSet = { ranges: WORD, isNegated: false };

/** `\d` and so on; upper case: the others. */
export const CLASSES: Readonly<Record<string, CharSet>> = {
  d: { ranges: DIGITS, isNegated: false },
  D: { ranges: DIGITS, isNegated: true },
  w: WORD_CHARS,
  W: { ranges: WORD, isNegated: true },
  s: { ranges: SPACE, isNegated: false },
  S: { ranges: SPACE, isNegated: true },
};

/** `.` */
export const ANY_CHAR: CharSet = { ranges: [[10, 10]], isNegated: true };

export function contains({ ranges, isNegated }: CharSet, code: number): boolean {
  for (const [from, to] of ranges) if (code >= from && code <= to) return !isNegated;
  return isNegated;
}

export function isWordChar(code: number | undefined): boolean {
  return code !== undefined && contains(WORD_CHARS, code);
}

const LAST = 0x10ffff;

/** The ranges that a negated set stands for. */
export function rangesOf({ ranges, isNegated }: CharSet): CharSet["ranges"] {
  if (!isNegated) return ranges;
  const gaps: [number, number][] = [];
  let from = 0;
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (start > from) gaps.push([from, start - 1]);
    from = Math.max(from, end + 1);
  }
  if (from <= LAST) gaps.push([from, LAST]);
  return gaps;
}
