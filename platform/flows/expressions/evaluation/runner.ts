import type { ExpressionFault } from "../fault.ts";
import type { Node } from "../parse.ts";
import type { Meter } from "./meter.ts";
import type { Value } from "./values.ts";

/** Variables of macros around a part of an expression. */
export interface Locals {
  readonly name: string;
  value: Value;
  readonly outer: Locals | undefined;
}

/** What macros need of an evaluation: they decide themselves which of their arguments run, and how often. */
export interface Runner {
  readonly meter: Meter;
  run(node: Node, locals: Locals | undefined): Value;
  /** Throws `ExpressionFault` if the value is neither true nor false. */
  bool(node: Node, locals: Locals | undefined): boolean;
  /** Undefined for a member that is absent, which is cheaper than to catch the fault. */
  find(node: Node, locals: Locals | undefined): Value;
  /** Catches every `ExpressionFault` but `TooCostly`. */
  attempt<T>(run: () => T): { readonly value: T } | { readonly fault: ExpressionFault };
}

export interface MacroArguments {
  readonly runner: Runner;
  /** What the macro is called on; the call itself if it is called on nothing. */
  readonly of: Node;
  readonly args: readonly Node[];
  readonly locals: Locals | undefined;
}

/** A call whose arguments do not all run once. */
export type Macro = (call: MacroArguments) => Value;
