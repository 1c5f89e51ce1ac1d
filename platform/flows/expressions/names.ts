import { macroOf } from "./evaluation/macros.ts";
import { ExpressionFault } from "./fault.ts";
import { overloadsOf } from "./functions/functions.ts";
import { type Node, textOf } from "./parse.ts";
import { partsOf } from "./walk.ts";

export interface Names {
  /** Of `steps.NAME`. */
  readonly steps: ReadonlySet<string>;
  /** `input`, `steps`, … without the names that macros give. */
  readonly variables: ReadonlySet<string>;
}

export interface Mention {
  readonly node: Node & { op: "id" };
  /** The step of `steps.NAME`, and where it is. */
  readonly step?: { readonly name: string; readonly offset: number };
}

/**
 * The variables that an expression reads, in the order of its text. Throws `ExpressionFault` for what the grammar allows and expressions do
 * not have: unknown functions, bytes, `steps` without the name of a step.
 */
export function mentionsIn(root: Node): readonly Mention[] {
  const mentions: Mention[] = [];
  visit(root, new Set());
  return mentions;

  function visit(node: Node, bound: ReadonlySet<string>): void {
    if (node.op === "value") checkLiteral(node);
    if (node.op === "call" || node.op === "rcall") checkCall(node);
    if (node.op === "id") {
      if (bound.has(node.args)) return;
      if (node.args === "steps") throw stepsAlone(node);
      mentions.push({ node });
      return;
    }
    const step = bound.has("steps") ? undefined : stepOf(node);
    if (step !== undefined) {
      mentions.push(step);
      return;
    }
    for (const part of partsOf(node)) {
      visit(part.node, part.bound === undefined ? bound : new Set([...bound, part.bound]));
    }
  }
}

export function namesIn(root: Node): Names {
  const mentions = mentionsIn(root);
  return {
    steps: new Set(mentions.flatMap(({ step }) => step?.name ?? [])),
    variables: new Set(mentions.map(({ node }) => node.args)),
  };
}

/** `steps.NAME`, `steps["NAME"]`. */
function stepOf(node: Node): Mention | undefined {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return undefined;
  const [of, key] = node.args;
  if (of.op !== "id" || of.args !== "steps") return undefined;
  if (typeof key === "string") return { node: of, step: { name: key, offset: node.pos } };
  if (key.op !== "value" || typeof key.args !== "string") throw stepsAlone(of);
  return { node: of, step: { name: key.args, offset: key.start } };
}

function checkCall(node: Node & { op: "call" | "rcall" }): void {
  const macro = macroOf(node);
  if (macro === undefined) overloadsOf(node);
  const [first] = macro?.args ?? [];
  if (macro?.key === "has/1" && ![".", "[]", ".?", "[?]"].includes(first!.op)) {
    throw new ExpressionFault("`has` takes a member, such as `has(input.total)`.", node.start);
  }
}

function stepsAlone(node: Node): ExpressionFault {
  return new ExpressionFault("`steps` needs the name of a step: write `steps.NAME`.", node.start);
}

function checkLiteral(node: Node & { op: "value" }): void {
  const value = node.args;
  if (typeof value === "bigint" && !Number.isSafeInteger(Number(value))) {
    throw new ExpressionFault(
      `${value} is beyond 2^53, which JSON's numbers cannot tell apart. Write it as a text.`,
      node.start,
    );
  }
  if (typeof value === "object" && value !== null) {
    throw new ExpressionFault(
      `\`${textOf(node)}\` is no value of JSON: bytes and unsigned integers are not supported.`,
      node.start,
    );
  }
}
