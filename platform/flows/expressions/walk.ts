import { nameOf } from "./evaluation/loops.ts";
import { macroOf } from "./evaluation/macros.ts";
import type { Node } from "./parse.ts";

export interface Part {
  readonly node: Node;
  /** A name that a macro gives to a value; only this part sees it. */
  readonly bound?: string;
}

/** The parts of an expression that are expressions themselves. Throws `ExpressionFault` for a macro that names nothing. */
export function partsOf(node: Node): readonly Part[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [{ node: node.args[0] }];
    case "!_":
    case "-_":
      return [{ node: node.args }];
    case "map":
      return node.args.flat().map((part) => ({ node: part }));
    case "call":
    case "rcall":
      return partsOfCall(node);
    default:
      return node.args.map((part) => ({ node: part }));
  }
}

function partsOfCall(node: Node & { op: "call" | "rcall" }): readonly Part[] {
  const macro = macroOf(node);
  if (macro === undefined) {
    const nodes = node.op === "call" ? node.args[1] : [node.args[1], ...node.args[2]];
    return nodes.map((part) => ({ node: part }));
  }
  const of = macro.of === undefined ? [] : [{ node: macro.of }];
  if (!macro.binds) return [...of, ...macro.args.map((part) => ({ node: part }))];
  const bound = nameOf(macro.args[0]!);
  const rest = macro.args.slice(1).map((part) => ({ node: part, bound }));
  // The value that `cel.bind` gives a name does not see that name.
  return macro.isLoop ? [...of, ...rest] : [{ node: macro.args[1]! }, ...rest.slice(1)];
}
