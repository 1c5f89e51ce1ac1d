import type { Meter } from "../evaluation/meter.ts";
import { describe, kindOf } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";
import { Pattern } from "../pattern/pattern.ts";
import { type Functions, meteredRow, row } from "./signature.ts";

/** Methods of a text. Indexes and lengths count characters as JavaScript does (UTF-16), as `size` does. */
export const TEXT_METHODS: Functions = {
  contains: [row("text, text", "bool", (text: string, part: string) => text.includes(part))],
  startsWith: [row("text, text", "bool", (text: string, part: string) => text.startsWith(part))],
  endsWith: [row("text, text", "bool", (text: string, part: string) => text.endsWith(part))],
  indexOf: [row("text, text", "number", (text: string, part: string) => text.indexOf(part))],
  lastIndexOf: [row("text, text", "number", (text: string, part: string) => text.lastIndexOf(part))],
  substring: [
    row("text, number", "text", (text: string, from: number) => substring(text, from, text.length)),
    row("text, number, number", "text", substring),
  ],
  matches: [meteredRow("text, text", "bool", matches)],
  trim: [row("text", "text", (text: string) => text.trim())],
  lower: [row("text", "text", (text: string) => text.toLowerCase())],
  upper: [row("text", "text", (text: string) => text.toUpperCase())],
  replace: [meteredRow("text, text, text", "text", replace)],
  split: [meteredRow("text, text", "list", split)],
};

export const LIST_TO_TEXT: Functions = {
  join: [
    meteredRow("list", "text", (list: readonly unknown[], meter: Meter) => join(list, "", meter)),
    meteredRow("list, text", "text", join),
  ],
};

/** Whether the pattern is found anywhere in the text. */
function matches(text: string, pattern: string, meter: Meter): boolean {
  const made = (meter.made.get(pattern) as Pattern | undefined) ?? new Pattern(pattern, meter);
  meter.made.set(pattern, made);
  return made.isIn(text, meter);
}

function substring(text: string, from: number, to: number): string {
  if (Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= text.length) {
    return text.substring(from, to);
  }
  throw new ExpressionFault(
    `\`substring\` from ${from} to ${to} is outside of a text of ${text.length} characters.`,
  );
}

function replace(text: string, ...[part, by, meter]: [string, string, Meter]): string {
  if (part === "") throw new ExpressionFault("`replace` needs a text that is not empty.");
  const parts = text.split(part);
  meter.spendText(text.length + (parts.length - 1) * by.length);
  return parts.join(by);
}

function split(text: string, separator: string, meter: Meter): string[] {
  const parts = text.split(separator);
  meter.spend(parts.length);
  return parts;
}

function join(list: readonly unknown[], separator: string, meter: Meter): string {
  let length = 0;
  for (const item of list) {
    if (typeof item !== "string") {
      throw new ExpressionFault(
        `\`join\` needs a list of texts, and this one holds ${describe(item)}. Use \`.map(x, string(x))\` before.`,
      );
    }
    length += item.length + separator.length;
  }
  meter.spendText(length);
  return list.join(separator);
}

/** Length of a text, a list or a map. */
export function sizeOf(value: unknown): number {
  const kind = kindOf(value);
  if (kind === "text" || kind === "list") return (value as string | unknown[]).length;
  return Object.keys(value as object).length;
}
