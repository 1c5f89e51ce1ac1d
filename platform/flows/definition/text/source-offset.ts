import type { Scalar } from "yaml";

/**
 * Returns the place in `text` of the character of a scalar's value that has `offset` characters before it. YAML changes nothing
 * but white space and escapes, so the characters that are neither are counted.
 */
export function sourceOffset(text: string, scalar: Scalar, offset: number): number {
  const value = scalar.value as string;
  const [start, end] = scalar.range ?? [0, 0];
  let toPass = value.slice(0, offset).replaceAll(/\s/g, "").length;
  let at = bodyStart(text, scalar);
  while (at < end) {
    const unit = unitAt(text, at, scalar.type);
    const isSpace = /^(\s+|\\[ntr ]|\\\r?\n)$/.test(unit);
    if (!isSpace && toPass === 0) return at;
    if (!isSpace) toPass--;
    at += unit.length;
  }
  return Math.max(start, Math.min(at, end - 1));
}

function bodyStart(text: string, { type, range }: Scalar): number {
  const start = range?.[0] ?? 0;
  if (type === "BLOCK_LITERAL" || type === "BLOCK_FOLDED") return text.indexOf("\n", start) + 1;
  return type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE" ? start + 1 : start;
}

/** Returns the characters of the source that are one character of the value. */
function unitAt(text: string, at: number, type: Scalar["type"]): string {
  const form = type === "QUOTE_DOUBLE" ? /\\(x..|u.{4}|U.{8}|\r\n|[\s\S])/y : /''/y;
  form.lastIndex = at;
  const hasEscapes = type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE";
  return (hasEscapes && form.exec(text)?.[0]) || text[at]!;
}
