import type { Meter } from "../evaluation/meter.ts";
import type { Kind, Value } from "../evaluation/values.ts";

export type Taken = Kind | "any";

/** A function or, if it is in the table of methods, a method, whose first argument is what it is called on. */
export interface Signature {
  readonly takes: readonly Taken[];
  /** `any`: it depends on the arguments. */
  readonly gives: Taken;
  /** Costs nothing for the length of what it is given. */
  readonly isCheap?: boolean;
  readonly run: (args: readonly Value[], meter: Meter) => Value;
}

/** Overloads by name. The first whose `takes` match applies. */
export type Functions = Readonly<Record<string, readonly Signature[]>>;

// biome-ignore lint/suspicious/noExplicitAny: the kinds of `takes` are those of the parameters; `callFunction` has checked them.
type Run = (...args: any[]) => Value;

/** `row("text, number", "text", run)`. */
export function row(takes: string, gives: Taken, run: Run): Signature {
  return { takes: kindsOf(takes), gives, run: (args) => run(...args) };
}

/** The last argument of `run` is the meter. */
export function meteredRow(takes: string, gives: Taken, run: Run): Signature {
  return { takes: kindsOf(takes), gives, run: (args, meter) => run(...args, meter) };
}

function kindsOf(takes: string): Taken[] {
  return takes === "" ? [] : (takes.split(", ") as Taken[]);
}
