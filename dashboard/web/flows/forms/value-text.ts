import type { FlowLanguage } from "../language/client.ts";

/** A value of a field as text: what is short as it is, what is not as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Lines `name: value` of an object of texts. */
export function linesOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .map(([name, text]) => `${name}: ${String(text)}`)
    .join("\n");
}

/** @throws Error with what is wrong */
export function readLines(text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const pairs = lines.map((line) => {
    const [, name, value] = /^\s*([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`"${line.trim()}" has no colon: write a line as name: value.`);
    return [name, value!.trim()] as const;
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/** Words between commas or in lines; undefined for none. */
export function readWords(text: string): readonly string[] | undefined {
  const words = text
    .split(/[,\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return words.length === 0 ? undefined : words;
}

/** Numbers stay numbers. */
export function readNumber(text: string): unknown {
  if (text.trim() === "") return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** YAML, as in the text of the flow. Undefined for nothing. */
export async function readValue(language: FlowLanguage, text: string): Promise<unknown> {
  if (text.trim() === "") return undefined;
  // A text with an expression is a text, also without the quotation marks that YAML wants.
  if (/^\$\{[^\n]*\}$/.test(text.trim())) return text.trim();
  return (await language.ask("read", text)) ?? undefined;
}
