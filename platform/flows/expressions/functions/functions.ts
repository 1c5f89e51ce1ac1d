import { closestWord } from "../../../../process/closest-word.ts";
import { type CallNode, MACRO_NAMES } from "../evaluation/macros.ts";
import type { Meter } from "../evaluation/meter.ts";
import { dateOf } from "../evaluation/operators.ts";
import { describe, describeKind, type Kind, kindOf, memberOf, type Value } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";
import {
  boolOf,
  durationOf,
  integerOf,
  jsonOf,
  jsonTextOf,
  numberOf,
  textOfValue,
  timestampOf,
} from "./conversions.ts";
import { LIST_FUNCTIONS, LIST_METHODS } from "./list.ts";
import { type Functions, meteredRow, row, type Signature, type Taken } from "./signature.ts";
import { LIST_TO_TEXT, sizeOf, TEXT_METHODS } from "./text.ts";
import { TIMESTAMP_METHODS } from "./time.ts";

const SIZE: readonly Signature[] = (["text", "list", "map"] as const).map((kind) => ({
  ...row(kind, "number", sizeOf),
  isCheap: true,
}));

/** To read a time takes as long as about forty parts of an expression. */
const COST_OF_A_TIME = 40;

/** `name(…)`. */
export const FUNCTIONS: Functions = {
  ...LIST_FUNCTIONS,
  size: SIZE,
  string: (["text", "number", "bool", "timestamp", "duration"] as const).map((kind) =>
    row(kind, "text", textOfValue),
  ),
  int: [
    row("number", "number", integerOf),
    row("text", "number", integerOf),
    row("timestamp", "number", seconds),
  ],
  double: [row("number", "number", numberOf), row("text", "number", numberOf)],
  bool: [row("bool", "bool", (value: boolean) => value), row("text", "bool", boolOf)],
  timestamp: [
    meteredRow("text", "timestamp", metered(timestampOf)),
    row("number", "timestamp", (at: number) => dateOf(at * 1000)),
    row("timestamp", "timestamp", (at: Date) => at),
  ],
  duration: [meteredRow("text", "duration", metered(durationOf))],
  abs: [row("number", "number", Math.abs)],
  floor: [row("number", "number", Math.floor)],
  ceil: [row("number", "number", Math.ceil)],
  round: [row("number", "number", Math.round), row("number, number", "number", roundTo)],
  json: [meteredRow("text", "any", jsonOf)],
  toJson: [meteredRow("any", "text", jsonTextOf)],
};

/** `value.name(…)`. */
export const METHODS: Functions = {
  ...TEXT_METHODS,
  ...LIST_TO_TEXT,
  ...LIST_METHODS,
  ...TIMESTAMP_METHODS,
  size: SIZE,
};

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

function roundTo(value: number, digits: number): number {
  if (!Number.isInteger(digits) || digits < 0 || digits > 15) {
    throw new ExpressionFault(`\`round\` takes 0 to 15 digits, not ${digits}.`);
  }
  const rounded = Number(`${Math.round(Number(`${value}e${digits}`))}e-${digits}`);
  return Number.isFinite(rounded) ? rounded : value;
}

/** Throws `ExpressionFault` for a name that is none. */
export function overloadsOf(node: CallNode): readonly Signature[] {
  const table = node.op === "call" ? FUNCTIONS : METHODS;
  const found = memberOf(table, node.args[0]) as readonly Signature[] | undefined;
  if (found !== undefined) return found;
  const name = node.args[0];
  const closest = closestWord(name, [...Object.keys(table), ...MACRO_NAMES]);
  const hint = closest === undefined ? "docs/flows.md lists them." : `Did you mean \`${closest}\`?`;
  throw new ExpressionFault(
    `There is no ${node.op === "call" ? "function" : "method"} \`${name}\`. ${hint}`,
    node.start,
  );
}

/** Throws `ExpressionFault` if no overload takes these values. */
export function callFunction(
  { name, overloads }: { readonly name: string; readonly overloads: readonly Signature[] },
  args: readonly Value[],
  meter: Meter,
): Value {
  const kinds = args.map(kindOf);
  const found = overloads.find(({ takes }) => matches(takes, kinds));
  if (found === undefined) throw noOverload(name, overloads, args);
  if (found.isCheap !== true) for (const arg of args) spendFor(arg, meter);
  return found.run(args, meter);
}

/** Functions read what they are given. */
function spendFor(arg: Value, meter: Meter): void {
  if (typeof arg === "string") meter.spend(1 + (arg.length >> 4));
  else if (Array.isArray(arg)) meter.spend(arg.length);
  else if (kindOf(arg) === "map") meter.spend(Object.keys(arg as object).length);
}

export function matches(takes: readonly Taken[], kinds: readonly Taken[]): boolean {
  return (
    takes.length === kinds.length &&
    takes.every((taken, index) => taken === "any" || kinds[index] === "any" || taken === kinds[index])
  );
}

function noOverload(name: string, overloads: readonly Signature[], args: readonly Value[]): ExpressionFault {
  const hint = name === "string" ? " Use `toJson(…)` for lists, maps and null." : "";
  return new ExpressionFault(
    `\`${name}\` takes ${takenBy(overloads)}, not ${args.map(describe).join(", ") || "nothing"}.${hint}`,
  );
}

/** `a text, or a list`. */
export function takenBy(overloads: readonly Signature[]): string {
  return overloads
    .map(({ takes }) => takes.map((taken) => (taken === "any" ? "any value" : describeKind(taken as Kind))))
    .map((takes) => takes.join(" and ") || "nothing")
    .join(", or ");
}

function metered<T>(read: (text: string) => T): (text: string, meter: Meter) => T {
  return (text, meter) => {
    meter.spend(COST_OF_A_TIME);
    return read(text);
  };
}
