import { ExpressionFault } from "../fault.ts";
import type { Meter } from "./meter.ts";
import {
  Duration,
  describe,
  type Kind,
  kindOf,
  memberOf,
  type Optional,
  type Value,
  type ValueMap,
} from "./values.ts";

/** Values of different kinds are unequal. Costs one for each pair that is compared. */
export function isEqual(a: Value, b: Value, meter: Meter): boolean {
  meter.spend(1);
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return false;
  return kind === "list"
    ? areListsEqual(a as Value[], b as Value[], meter)
    : kind === "map"
      ? areMapsEqual(a as ValueMap, b as ValueMap, meter)
      : kind === "optional"
        ? isEqual((a as Optional).value, (b as Optional).value, meter)
        : numberOf(a) === numberOf(b);
}

function areListsEqual(a: Value[], b: Value[], meter: Meter): boolean {
  return a.length === b.length && a.every((item, index) => isEqual(item, b[index], meter));
}

function areMapsEqual(a: ValueMap, b: ValueMap, meter: Meter): boolean {
  const keys = Object.keys(a);
  meter.spend(keys.length);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key], meter))
  );
}

/** What two values of the same kind are ordered by. */
function numberOf(value: Value): number {
  if (value instanceof Date) return value.getTime();
  return value instanceof Duration ? value.ms : (value as number);
}

const ORDERED = new Set<Kind>(["number", "text", "bool", "timestamp", "duration"]);

export type Comparison = "<" | "<=" | ">" | ">=";

export function compare(operator: Comparison, a: Value, b: Value): boolean {
  const sign = order(a, b);
  if (sign === undefined) {
    throw new ExpressionFault(`${sentenceOf(a)} and ${describe(b)} cannot be compared with \`${operator}\`.`);
  }
  if (operator === "<") return sign < 0;
  if (operator === "<=") return sign <= 0;
  return operator === ">" ? sign > 0 : sign >= 0;
}

/** NaN for numbers that have no order; undefined for values that have none. */
export function order(a: Value, b: Value): number | undefined {
  const kind = kindOf(a);
  if (kind !== kindOf(b) || !ORDERED.has(kind)) return undefined;
  if (kind === "text") return (a as string) < (b as string) ? -1 : a === b ? 0 : 1;
  return Number(numberOf(a)) - Number(numberOf(b));
}

export type Arithmetic = "+" | "-" | "*" | "/" | "%";

export function calculate(operator: Arithmetic, [a, b]: readonly [Value, Value], meter: Meter): Value {
  if (typeof a === "number" && typeof b === "number") return ofNumbers(operator, a, b);
  if (operator === "+") return add(a, b, meter);
  if (operator === "-") return subtract(a, b);
  throw noOperator(operator, a, b);
}

function ofNumbers(operator: Arithmetic, a: number, b: number): number {
  if (b === 0 && (operator === "/" || operator === "%")) {
    throw new ExpressionFault(operator === "/" ? "Division by zero." : "Remainder of a division by zero.");
  }
  const result = NUMERIC[operator](a, b);
  if (Number.isFinite(result)) return result;
  throw new ExpressionFault(`The result of ${a} ${operator} ${b} is no number of JSON.`);
}

const NUMERIC: Record<Arithmetic, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
};

function add(a: Value, b: Value, meter: Meter): Value {
  if (typeof a === "string" && typeof b === "string") {
    meter.spendText(a.length + b.length);
    return a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    meter.spend(a.length + b.length);
    return a.concat(b);
  }
  if (a instanceof Date && b instanceof Duration) return dateOf(a.getTime() + b.ms);
  if (a instanceof Duration && b instanceof Date) return dateOf(a.ms + b.getTime());
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ms + b.ms);
  throw noOperator("+", a, b);
}

function subtract(a: Value, b: Value): Value {
  if (a instanceof Date && b instanceof Date) return new Duration(a.getTime() - b.getTime());
  if (a instanceof Date && b instanceof Duration) return dateOf(a.getTime() - b.ms);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ms - b.ms);
  throw noOperator("-", a, b);
}

/** Years 1 to 9999, as in CEL. Throws `ExpressionFault` beyond. */
export function dateOf(ms: number): Date {
  if (ms >= -62_135_596_800_000 && ms <= 253_402_300_799_999) return new Date(ms);
  throw new ExpressionFault("A timestamp is a time of the years 1 to 9999.");
}

function noOperator(operator: Arithmetic, a: Value, b: Value): ExpressionFault {
  const kinds = [kindOf(a), kindOf(b)];
  const hint =
    operator === "+" && kinds.includes("text")
      ? " Write `string(…)` around what is no text, or put it into a text as `${ … }`."
      : "";
  return new ExpressionFault(`\`${operator}\` does not apply to ${describe(a)} and ${describe(b)}.${hint}`);
}

export function isIn(value: Value, container: Value, meter: Meter): boolean {
  if (Array.isArray(container)) return container.some((item) => isEqual(value, item, meter));
  if (container !== null && kindOf(container) === "map") {
    return typeof value === "string" && memberOf(container as object, value) !== undefined;
  }
  throw new ExpressionFault(`\`in\` needs a list or a map on its right, not ${describe(container)}.`);
}

function sentenceOf(value: Value): string {
  const text = describe(value);
  return text[0]!.toUpperCase() + text.slice(1);
}
