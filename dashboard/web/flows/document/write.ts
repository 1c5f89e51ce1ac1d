import { parse } from "yaml";

/** How a value is written. */
export interface Style {
  /** Every text and key in quotation marks. */
  readonly isJson: boolean;
  /** In one line, within `{ }` or `[ ]`. */
  readonly isFlow: boolean;
  readonly eol: string;
}

/** Longest line that is written as `key: { … }`. */
const MOST = 100;
const INDENT = 2;

/** Writes a member without its line end. @param column of the key */
export function writePair(key: string, value: unknown, style: Style, column = 0): string {
  const name = style.isJson ? JSON.stringify(key) : scalar(key);
  return `${name}:${writeValue(value, style, column)}`;
}

/** Writes what follows the colon. @param column of the key */
export function writeValue(value: unknown, style: Style, column: number): string {
  const inline = writeFlow(value, style.isJson);
  if (style.isFlow) return ` ${inline}`;
  if (typeof value === "string" && isBlockText(value)) return blockText(value, style, column + INDENT);
  const isLarge = typeof value === "object" && value !== null && inline.length > MOST - column;
  return isLarge ? writeBlock(value, style, column) : ` ${inline}`;
}

/** Writes an object or a list with a line for each member. @param column of the key that it belongs to */
export function writeBlock(value: object, style: Style, column: number): string {
  const indent = " ".repeat(column + INDENT);
  const lines = Array.isArray(value)
    ? value.map((item) => `${indent}- ${writeFlow(item, style.isJson)}`)
    : Object.entries(value).map(([key, member]) => indent + writePair(key, member, style, column + INDENT));
  return lines.length === 0 ? ` ${writeFlow(value, false)}` : `${style.eol}${lines.join(style.eol)}`;
}

export function writeFlow(value: unknown, isJson: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => writeFlow(item, isJson)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    if (members.length === 0) return "{}";
    const style = { isJson, isFlow: true, eol: "" };
    return `{ ${members.map(([key, member]) => writePair(key, member, style)).join(", ")} }`;
  }
  return isJson ? JSON.stringify(value) : scalar(value);
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  const isPlain = /^[\w/.]([-\w/@.*+ ()=<>!]|:(?=\S))*$/.test(value) && value.trimEnd() === value;
  if (!isPlain) return JSON.stringify(value);
  // Words such as `true` and texts such as `1.5` are values of other kinds.
  return parse(value, { version: "1.2" }) === value ? value : JSON.stringify(value);
}

/** Several lines of which none begins or ends with a space. */
function isBlockText(value: string): boolean {
  const lines = value.split("\n");
  return (
    lines.length > 1 && value.trim() === value && lines.every((line) => /^(?! )[^\t\r\p{Cc}]*$/u.test(line))
  );
}

function blockText(value: string, { eol }: Style, column: number): string {
  const indent = " ".repeat(column);
  const lines = value.split("\n").map((line) => (line === "" ? "" : indent + line));
  return ` |-${eol}${lines.join(eol)}`;
}
