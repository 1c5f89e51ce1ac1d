import { ExpressionFault } from "../fault.ts";
import type { Node } from "../parse.ts";
import { all, exists, existsOne, filter, map, nameOf } from "./loops.ts";
import type { Locals, Macro, MacroArguments, Runner } from "./runner.ts";
import { describe, memberOf, Optional, type Value } from "./values.ts";

export type CallNode = Node & { op: "call" | "rcall" };

/** By name and number of arguments. */
type Macros = Readonly<Record<string, Macro>>;

const FUNCTION_MACROS: Macros = { "has/1": has, "default/2": orDefault };

const LOOPS: Macros = {
  "all/2": all,
  "exists/2": exists,
  "exists_one/2": existsOne,
  "filter/2": filter,
  "map/2": map,
  "map/3": map,
};

const METHOD_MACROS: Macros = {
  ...LOOPS,
  "orValue/1": (call) => optionalOf(call).value ?? call.runner.run(call.args[0]!, call.locals),
  "or/1": (call) => {
    const found = optionalOf(call);
    return found.value === undefined ? optionalOf({ ...call, of: call.args[0]! }) : found;
  },
  "hasValue/0": (call) => optionalOf(call).value !== undefined,
  "value/0": (call) => {
    const { value } = optionalOf(call);
    if (value !== undefined) return value;
    throw new ExpressionFault("The optional value is empty. Use `orValue(…)`.", call.of.start);
  },
};

const NAMESPACE_MACROS: Macros = {
  "cel.bind/3": bind,
  "optional.of/1": ({ runner, args, locals }) => new Optional(runner.run(args[0]!, locals)),
  "optional.none/0": () => new Optional(undefined),
};

export interface MacroCall {
  /** `map/2`, `cel.bind/3`. */
  readonly key: string;
  /** What it is called on; undefined for functions, and for `cel` and `optional`. */
  readonly of: Node | undefined;
  readonly args: readonly Node[];
  /** The first argument is a name. */
  readonly binds: boolean;
  readonly isLoop: boolean;
  readonly run: (runner: Runner, locals: Locals | undefined) => Value;
}

/** Undefined: the call is none of a macro. */
export function macroOf(node: CallNode): MacroCall | undefined {
  const of = node.op === "rcall" ? node.args[1] : node;
  const args = node.op === "rcall" ? node.args[2] : node.args[1];
  const name = `${node.args[0]}/${args.length}`;
  const inNamespace = of.op === "id" && find(NAMESPACE_MACROS, `${of.args}.${name}`) !== undefined;
  const key = inNamespace ? `${of.args}.${name}` : name;
  const table = inNamespace ? NAMESPACE_MACROS : node.op === "rcall" ? METHOD_MACROS : FUNCTION_MACROS;
  const macro = find(table, key);
  if (macro === undefined) return undefined;
  const isLoop = !inNamespace && find(LOOPS, key) !== undefined;
  return {
    key,
    of: node.op === "call" || inNamespace ? undefined : of,
    args,
    binds: isLoop || macro === bind,
    isLoop,
    run: (runner, locals) => macro({ runner, of, args, locals }),
  };
}

export const MACRO_NAMES: readonly string[] = Object.keys({ ...FUNCTION_MACROS, ...METHOD_MACROS }).map(
  (key) => key.split("/")[0]!,
);

function find(macros: Macros, key: string): Macro | undefined {
  return memberOf(macros, key) as Macro | undefined;
}

function bind({ runner, args, locals }: MacroArguments): Value {
  return runner.run(args[2]!, { name: nameOf(args[0]!), value: runner.run(args[1]!, locals), outer: locals });
}

function has({ runner, args, locals }: MacroArguments): boolean {
  return presentValue(runner, args[0]!, locals) !== undefined;
}

/** The second argument if the first one is null, absent or has no value. */
function orDefault({ runner, args, locals }: MacroArguments): Value {
  return presentValue(runner, args[0]!, locals) ?? runner.run(args[1]!, locals);
}

function presentValue(runner: Runner, node: Node, locals: Locals | undefined): Value {
  const found = runner.attempt(() => runner.find(node, locals));
  const value = "fault" in found ? undefined : found.value;
  return value instanceof Optional ? value.value : value;
}

function optionalOf({ runner, of, locals }: MacroArguments): Optional {
  const value = runner.run(of, locals);
  if (value instanceof Optional) return value;
  throw new ExpressionFault(`${describe(value)} is not an optional value, as \`input.?total\` is.`, of.start);
}
