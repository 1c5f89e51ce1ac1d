import { parseInstant } from "../../../quantity.ts";
import type { Meter } from "../evaluation/meter.ts";
import { dateOf } from "../evaluation/operators.ts";
import { plainValue } from "../evaluation/plain-value.ts";
import { Duration, describe, type Value } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";

/** Numbers as JSON writes them, so that 3.0 is `3`. */
export function textOfValue(value: Value): string {
  if (value instanceof Date) return value.toISOString();
  return String(value);
}

export function integerOf(value: string | number): number {
  const number = Math.trunc(numberOf(value));
  if (Number.isSafeInteger(number)) return number;
  throw new ExpressionFault(`${describe(value)} is beyond 2^53, which JSON's numbers cannot tell apart.`);
}

export function numberOf(value: string | number): number {
  if (typeof value === "number") return value;
  if (/^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/.test(value.slice(0, 400))) {
    const number = Number(value);
    if (Number.isFinite(number)) return number;
  }
  throw new ExpressionFault(`${describe(value)} is not a number.`);
}

export function boolOf(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new ExpressionFault(`${describe(text)} is neither \`true\` nor \`false\`.`);
}

/** A date, or a time with its zone. */
export function timestampOf(text: string): Date {
  const found = text.length <= 40 ? parseInstant(text) : undefined;
  if (found !== undefined) return dateOf(found.getTime());
  throw new ExpressionFault(`${describe(text)} is not a time such as \`2026-01-31T12:00:00Z\`.`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10s`, `1h30m`, `-5m`. */
export function durationOf(text: string): Duration {
  const isNegative = text.startsWith("-");
  let rest = isNegative ? text.slice(1) : text;
  let ms = 0;
  if (rest === "" || text.length > 40) throw notADuration(text);
  while (rest !== "") {
    const found = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)/.exec(rest);
    if (found === null) throw notADuration(text);
    ms += Number(found[1]) * UNITS[found[2]!]!;
    rest = rest.slice(found[0].length);
  }
  return new Duration(isNegative ? -ms : ms);
}

function notADuration(text: string): ExpressionFault {
  return new ExpressionFault(`${describe(text)} is not a duration such as \`10s\` or \`1h30m\`.`);
}

export function jsonOf(text: string, meter: Meter): Value {
  meter.spend(text.length >> 2);
  try {
    return JSON.parse(text);
  } catch {
    throw new ExpressionFault(`${describe(text)} is not JSON.`);
  }
}

export function jsonTextOf(value: Value, meter: Meter): string {
  const text = JSON.stringify(plainValue(value, { meter, known: new WeakMap() }));
  meter.spendText(text.length);
  return text;
}
