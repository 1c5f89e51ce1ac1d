import { closestWord } from "../../../../process/closest-word.ts";
import { nameOf } from "../evaluation/loops.ts";
import { macroOf } from "../evaluation/macros.ts";
import { kindOf, memberOf } from "../evaluation/values.ts";
import { ExpressionFault } from "../fault.ts";
import { matches, overloadsOf, takenBy } from "../functions/functions.ts";
import { type Node, textOf } from "../parse.ts";
import { kindOfOperation, named } from "./operations.ts";
import { ANY, BOOL, closed, common, NUMBER, type Shape, STEP } from "./shape.ts";

/** Shapes of variables and of the names that macros give. */
export type Shapes = Readonly<Record<string, Shape>>;

type CallNode = Node & { op: "call" | "rcall" };

/** What is known of the value of an expression. Throws `ExpressionFault` for an operation that fails whatever the values are. */
export function shapeOf(node: Node, shapes: Shapes): Shape {
  switch (node.op) {
    case "value":
      return { kind: typeof node.args === "bigint" ? "number" : kindOf(node.args) };
    case "id":
      return (memberOf(shapes, node.args) as Shape | undefined) ?? ANY;
    case ".":
    case "[]":
      return memberShape(node, shapes);
    case ".?":
    case "[?]":
      shapeOf(node.args[0], shapes);
      return { kind: "optional" };
    case "list":
      return { kind: "list", items: commonOf(node.args.map((item) => shapeOf(item, shapes))) };
    case "map":
      return mapShape(node, shapes);
    case "?:":
      bool(node.args[0], shapes);
      return common(shapeOf(node.args[1], shapes), shapeOf(node.args[2], shapes));
    case "||":
    case "&&":
      for (const side of node.args) bool(side, shapes);
      return BOOL;
    case "!_":
      bool(node.args, shapes);
      return BOOL;
    case "-_":
      return expect(node.args, shapeOf(node.args, shapes), NUMBER);
    case "call":
    case "rcall":
      return callShape(node, shapes);
    default:
      return operationShape(node, shapes);
  }
}

/** Throws `ExpressionFault` if the value is known to be of another kind. */
export function expect(node: Node, found: Shape, wanted: Shape): Shape {
  if (found.kind === "any" || found.kind === wanted.kind) return wanted;
  throw new ExpressionFault(
    `\`${textOf(node)}\` is ${named(found.kind)} where ${named(wanted.kind)} is needed.`,
    node.start,
  );
}

function bool(node: Node, shapes: Shapes): void {
  expect(node, shapeOf(node, shapes), BOOL);
}

function commonOf(shapes: readonly Shape[]): Shape {
  return shapes.length === 0 ? ANY : shapes.reduce(common);
}

function mapShape(node: Node & { op: "map" }, shapes: Shapes): Shape {
  const members: [string, Shape][] = [];
  let isKnown = true;
  for (const [key, value] of node.args) {
    shapeOf(key, shapes);
    const shape = shapeOf(value, shapes);
    if (key.op === "value" && typeof key.args === "string") members.push([key.args, shape]);
    else isKnown = false;
  }
  return isKnown ? closed(Object.fromEntries(members)) : { kind: "map" };
}

function memberShape(node: Node & { op: "." | "[]" }, shapes: Shapes): Shape {
  const [of, key] = node.args;
  if (of.op === "id" && of.args === "steps" && !Object.hasOwn(shapes, "steps")) return STEP;
  const found = shapeOf(of, shapes);
  const keyShape = typeof key === "string" ? undefined : shapeOf(key, shapes);
  if (found.kind === "any") return ANY;
  if (found.kind === "optional") return found;
  if (found.kind === "list" && typeof key !== "string") {
    expect(key, keyShape!, NUMBER);
    return found.items ?? ANY;
  }
  const name = typeof key === "string" ? key : key.op === "value" ? key.args : undefined;
  if (found.kind === "map") return typeof name === "string" ? namedMember(node, found, name) : ANY;
  throw new ExpressionFault(
    `\`${textOf(of)}\` is ${named(found.kind)} and has no member \`${String(name ?? "[…]")}\`.`,
    node.op === "." ? node.pos : node.start,
  );
}

function namedMember(node: Node & { op: "." | "[]" }, of: Shape, name: string): Shape {
  const found = of.members === undefined ? undefined : (memberOf(of.members, name) as Shape | undefined);
  if (found !== undefined) return found;
  if (of.isClosed !== true) return ANY;
  const names = Object.keys(of.members ?? {});
  const closest = closestWord(name, names);
  const hint = closest === undefined ? listed(names) : ` Did you mean \`${closest}\`?`;
  throw new ExpressionFault(
    `\`${textOf(node.args[0])}\` has no member \`${name}\`.${hint}`,
    node.op === "." ? node.pos : node.start,
  );
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, 8).map((name) => `\`${name}\``);
  return ` It has ${shown.join(", ")}${names.length > 8 ? ", …" : ""}.`;
}

function operationShape(node: Node & { args: [Node, Node] }, shapes: Shapes): Shape {
  const [left, right] = [shapeOf(node.args[0], shapes), shapeOf(node.args[1], shapes)];
  const found = kindOfOperation(node.op, left.kind, right.kind);
  if ("fault" in found) throw new ExpressionFault(found.fault, node.start);
  return found;
}

function callShape(node: CallNode, shapes: Shapes): Shape {
  if (macroOf(node) !== undefined) return macroShape(node, shapes);
  const nodes = node.op === "call" ? node.args[1] : [node.args[1], ...node.args[2]];
  const found = nodes.map((arg) => shapeOf(arg, shapes).kind);
  const overloads = overloadsOf(node);
  const fitting = overloads.filter(({ takes }) => matches(takes, found));
  if (fitting.length === 0) {
    throw new ExpressionFault(
      `\`${node.args[0]}\` takes ${takenBy(overloads)}, not ${found.map(named).join(", ") || "nothing"}.`,
      node.start,
    );
  }
  const kinds = new Set(fitting.map(({ gives }) => gives));
  return kinds.size === 1 ? { kind: fitting[0]!.gives } : ANY;
}

function macroShape(node: CallNode, shapes: Shapes): Shape {
  const macro = macroOf(node)!;
  const name = macro.key.split("/")[0]!;
  if (macro.isLoop) return loopShape(name, { of: macro.of!, args: macro.args }, shapes);
  if (name === "cel.bind") {
    const value = shapeOf(macro.args[1]!, shapes);
    return shapeOf(macro.args[2]!, { ...shapes, [nameOf(macro.args[0]!)]: value });
  }
  const found = macro.args.map((arg) => shapeOf(arg, shapes));
  if (macro.of !== undefined) expect(macro.of, shapeOf(macro.of, shapes), { kind: "optional" });
  if (name === "has" || name === "hasValue") return BOOL;
  if (name === "default") return common(found[0]!, found[1]!);
  return name.startsWith("optional.") || name === "or" ? { kind: "optional" } : ANY;
}

function loopShape(name: string, { of, args }: { of: Node; args: readonly Node[] }, shapes: Shapes): Shape {
  const over = shapeOf(of, shapes);
  if (over.kind !== "map") expect(of, over, { kind: "list" });
  const item = over.kind === "map" ? { kind: "text" as const } : (over.items ?? ANY);
  const inner = { ...shapes, [nameOf(args[0]!)]: item };
  const last = args.at(-1)!;
  for (const condition of name === "map" ? args.slice(1, -1) : args.slice(1)) bool(condition, inner);
  if (name === "map") return { kind: "list", items: shapeOf(last, inner) };
  return name === "filter" ? { kind: "list", items: item } : BOOL;
}
