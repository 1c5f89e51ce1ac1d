import { ExpressionFault } from "../fault.ts";

/**
 * What expressions compute with: JSON, with numbers as JSON has them (there is no separate type of integers), and timestamps (`Date`),
 * durations and optional values.
 */
export type Value = unknown;

export type Kind =
  | "null"
  | "bool"
  | "number"
  | "text"
  | "list"
  | "map"
  | "timestamp"
  | "duration"
  | "optional";

export type ValueMap = Readonly<Record<string, Value>>;

export class Duration {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }

  /** `90s`, `1.5s`. */
  toString(): string {
    return `${this.ms / 1000}s`;
  }
}

/** An optional value of CEL. Empty if `value` is undefined. */
export class Optional {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
      return "number";
    case "boolean":
      return "bool";
    case "object":
      return kindOfObject(value);
    default:
      throw new ExpressionFault(`A ${typeof value} is no value of an expression.`);
  }
}

function kindOfObject(value: object | null): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (value instanceof Date) return "timestamp";
  if (value instanceof Duration) return "duration";
  return value instanceof Optional ? "optional" : "map";
}

/** Own members alone: nothing of a prototype is a member. */
export function memberOf(map: object, key: string): Value {
  return Object.hasOwn(map, key) ? (map as ValueMap)[key] : undefined;
}

const ARTICLES: Record<Kind, string> = {
  null: "null",
  bool: "a boolean",
  number: "a number",
  text: "a text",
  list: "a list",
  map: "a map",
  timestamp: "a timestamp",
  duration: "a duration",
  optional: "an optional value",
};

export function describeKind(kind: Kind): string {
  return ARTICLES[kind];
}

/** For messages: short, also of a long value. */
export function describe(value: Value): string {
  const kind = kindOf(value);
  if (kind === "text") {
    const text = value as string;
    return `the text ${JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)}`;
  }
  return kind === "number" ? `the number ${value as number}` : describeKind(kind);
}
