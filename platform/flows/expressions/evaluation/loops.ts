import { ExpressionFault } from "../fault.ts";
import type { Node } from "../parse.ts";
import type { Locals, Macro, MacroArguments } from "./runner.ts";
import { describe, kindOf, type Value } from "./values.ts";

export const all = decides(false);
export const exists = decides(true);

/** Calls `visit` for each element, bound to the name; until it returns true. */
function each({ runner, of, args, locals }: MacroArguments, visit: (local: Locals) => boolean): void {
  const local: Locals = { name: nameOf(args[0]!), value: undefined, outer: locals };
  for (const item of elementsOf(runner.run(of, locals), of)) {
    runner.meter.spend(1);
    local.value = item;
    if (visit(local)) return;
  }
}

/** Of a map its keys. */
function elementsOf(value: Value, node: Node): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (kindOf(value) === "map") return Object.keys(value as object);
  throw new ExpressionFault(`${describe(value)} has no elements: a list or a map is needed.`, node.start);
}

/** As in CEL one element that decides is enough, also if the condition fails for others. */
function decides(decisive: boolean): Macro {
  return (call) => {
    let fault: ExpressionFault | undefined;
    let isDecided = false;
    each(call, (local) => {
      const found = call.runner.attempt(() => call.runner.bool(call.args[1]!, local));
      if ("fault" in found) fault ??= found.fault;
      else isDecided = found.value === decisive;
      return isDecided;
    });
    if (!isDecided && fault !== undefined) throw fault;
    return isDecided === decisive;
  };
}

export function existsOne(call: MacroArguments): boolean {
  let count = 0;
  each(call, (local) => {
    if (call.runner.bool(call.args[1]!, local)) count++;
    return count > 1;
  });
  return count === 1;
}

export function filter(call: MacroArguments): Value[] {
  const found: Value[] = [];
  each(call, (local) => {
    if (call.runner.bool(call.args[1]!, local)) found.push(local.value);
    return false;
  });
  return found;
}

/** `map(x, value)`, or `map(x, condition, value)`. */
export function map(call: MacroArguments): Value[] {
  const { runner, args } = call;
  const [condition, transform] = args.length === 3 ? [args[1]!, args[2]!] : [undefined, args[1]!];
  const found: Value[] = [];
  each(call, (local) => {
    if (condition === undefined || runner.bool(condition, local)) found.push(runner.run(transform, local));
    return false;
  });
  return found;
}

/** The name that a macro gives to a value. Throws `ExpressionFault` if it is none. */
export function nameOf(node: Node): string {
  if (node.op === "id") return node.args;
  throw new ExpressionFault("The first argument is the name of an element, such as `x`.", node.start);
}
