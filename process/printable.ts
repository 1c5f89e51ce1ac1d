/**
 * Characters that a terminal interprets instead of displaying: control characters (C0 and C1) except the tab, line
 * separators, marks that reverse the direction of text (CVE-2021-42574), and lone surrogates.
 */
const INTERPRETED = /[^\P{Cc}\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r" };

/** Escapes the control characters of one line as JavaScript does, so that they cannot control a terminal. */
export function printable(text: string): string {
  return text.replace(INTERPRETED, escaped);
}

/** Does the same for text of several lines. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
}
