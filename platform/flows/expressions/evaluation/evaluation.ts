import { ExpressionFault, TooCostly } from "../fault.ts";
import { callFunction, overloadsOf } from "../functions/functions.ts";
import { type Node, textOf } from "../parse.ts";
import { macroOf } from "./macros.ts";
import { member, missingMember } from "./members.ts";
import type { Meter } from "./meter.ts";
import { type Arithmetic, type Comparison, calculate, compare, isEqual, isIn } from "./operators.ts";
import type { Locals, Runner } from "./runner.ts";
import { describe, memberOf, Optional, type Value, type ValueMap } from "./values.ts";

/** To make an error takes as long as about two hundred other parts of an expression. */
const COST_OF_A_FAULT = 200;

/** One evaluation of a parsed expression. Every part of it that runs is counted. */
export class Evaluation implements Runner {
  readonly meter: Meter;
  readonly #variables: ValueMap;

  constructor(variables: ValueMap, meter: Meter) {
    this.#variables = variables;
    this.meter = meter;
  }

  run(node: Node, locals: Locals | undefined): Value {
    this.meter.spend(1);
    switch (node.op) {
      case "value":
        return typeof node.args === "bigint" ? Number(node.args) : node.args;
      case "id":
        return this.#variable(node, locals);
      case ".":
      case "[]":
        return this.#access(node, locals);
      case ".?":
      case "[?]":
        return this.#optionalAccess(node, locals);
      case "call":
      case "rcall":
        return this.#call(node, locals);
      case "list":
        return node.args.map((item) => this.run(item, locals));
      case "map":
        return this.#map(node, locals);
      case "?:":
        return this.run(this.bool(node.args[0], locals) ? node.args[1] : node.args[2], locals);
      case "||":
      case "&&":
        return this.#logical(node, locals);
      case "!_":
        return !this.bool(node.args, locals);
      case "-_":
        return this.#negative(node.args, locals);
      default:
        return this.#binary(node, locals);
    }
  }

  bool(node: Node, locals: Locals | undefined): boolean {
    const value = this.run(node, locals);
    if (typeof value === "boolean") return value;
    throw new ExpressionFault(
      `\`${textOf(node)}\` is ${describe(value)} where true or false is needed.`,
      node.start,
    );
  }

  /** A fault of `run`, but not that of an evaluation that costs too much. */
  attempt<T>(run: () => T): { value: T } | { fault: ExpressionFault } {
    try {
      return { value: run() };
    } catch (error) {
      if (error instanceof TooCostly || !(error instanceof ExpressionFault)) throw error;
      this.meter.spend(COST_OF_A_FAULT);
      return { fault: error };
    }
  }

  find(node: Node, locals: Locals | undefined): Value {
    if (node.op !== "." && node.op !== "[]") return this.run(node, locals);
    this.meter.spend(1);
    const found = this.find(node.args[0], locals);
    const of = found instanceof Optional ? found.value : found;
    return of === undefined ? undefined : member(of, this.#key(node, locals));
  }

  #variable(node: Node & { op: "id" }, locals: Locals | undefined): Value {
    for (let local = locals; local !== undefined; local = local.outer) {
      if (local.name === node.args) return local.value;
    }
    const value = memberOf(this.#variables, node.args);
    if (value !== undefined) return value;
    throw new ExpressionFault(`There is no variable \`${node.args}\` here.`, node.start);
  }

  #access(node: Node & { op: "." | "[]" }, locals: Locals | undefined): Value {
    const of = this.run(node.args[0], locals);
    if (of instanceof Optional) return this.#optionalMember(of, this.#key(node, locals));
    const key = this.#key(node, locals);
    const value = member(of, key);
    if (value !== undefined) return value;
    throw missingMember(node, of, key);
  }

  #optionalAccess(node: Node & { op: ".?" | "[?]" }, locals: Locals | undefined): Value {
    const of = this.run(node.args[0], locals);
    return this.#optionalMember(of, this.#key(node, locals));
  }

  #optionalMember(of: Value, key: Value): Optional {
    const value = of instanceof Optional ? of.value : of;
    return new Optional(value === undefined ? undefined : member(value, key));
  }

  #key(node: Node & { op: "." | "[]" | ".?" | "[?]" }, locals: Locals | undefined): Value {
    const key = node.args[1];
    return typeof key === "string" ? key : this.run(key, locals);
  }

  #map(node: Node & { op: "map" }, locals: Locals | undefined): Value {
    const map: Record<string, Value> = {};
    for (const [keyNode, valueNode] of node.args) {
      const key = this.run(keyNode, locals);
      if (typeof key !== "string" || key === "__proto__") {
        throw new ExpressionFault(`${describe(key)} cannot be a key of a map.`, keyNode.start);
      }
      map[key] = this.run(valueNode, locals);
    }
    return map;
  }

  /** As in CEL a side that decides alone does so even if the other one fails. */
  #logical(node: Node & { op: "||" | "&&" }, locals: Locals | undefined): boolean {
    const decisive = node.op === "||";
    const left = this.attempt(() => this.bool(node.args[0], locals));
    if ("value" in left && left.value === decisive) return decisive;
    const right = this.bool(node.args[1], locals);
    if (right === decisive || "value" in left) return right;
    throw left.fault;
  }

  #negative(node: Node, locals: Locals | undefined): number {
    const value = this.run(node, locals);
    if (typeof value === "number") return -value;
    throw new ExpressionFault(`\`-\` does not apply to ${describe(value)}.`, node.start);
  }

  #binary(node: Node & { args: [Node, Node] }, locals: Locals | undefined): Value {
    const a = this.run(node.args[0], locals);
    const b = this.run(node.args[1], locals);
    return at(node, () => {
      switch (node.op as string) {
        case "==":
          return isEqual(a, b, this.meter);
        case "!=":
          return !isEqual(a, b, this.meter);
        case "in":
          return isIn(a, b, this.meter);
        case "<":
        case "<=":
        case ">":
        case ">=":
          return compare(node.op as Comparison, a, b);
        default:
          return calculate(node.op as Arithmetic, [a, b], this.meter);
      }
    });
  }

  #call(node: Node & { op: "call" | "rcall" }, locals: Locals | undefined): Value {
    const macro = macroOf(node);
    if (macro !== undefined) return macro.run(this, locals);
    const nodes = node.op === "call" ? node.args[1] : [node.args[1], ...node.args[2]];
    const args = nodes.map((arg) => this.run(arg, locals));
    return at(node, () =>
      callFunction({ name: node.args[0], overloads: overloadsOf(node) }, args, this.meter),
    );
  }
}

/** A fault of an operator or a function has no place yet. */
function at(node: Node, run: () => Value): Value {
  try {
    return run();
  } catch (error) {
    throw error instanceof ExpressionFault && !(error instanceof TooCostly) ? error.at(node.start) : error;
  }
}
