import { closestWord } from "../../../process/closest-word.ts";
import { ExpressionFault } from "./fault.ts";
import { mentionsIn } from "./names.ts";
import type { Node } from "./parse.ts";
import type { Scope, Wanted } from "./scope.ts";
import { RUN_IN_FINALLY, type Shape, VARIABLES } from "./types/shape.ts";
import { expect, shapeOf } from "./types/typing.ts";

/** Throws `ExpressionFault` for what is wrong whatever the variables hold. */
/** @param input what is known of the variable `input` */
export function checkNode(
  node: Node,
  scope: Scope,
  { wanted, input }: { wanted: Wanted; input: Shape },
): void {
  for (const { node: variable, step } of mentionsIn(node)) {
    if (step !== undefined && scope.steps !== undefined) checkStep(step, scope, scope.steps);
    else if (!scope.variables.includes(variable.args)) throw unknownVariable(variable, scope);
  }
  const found = shapeOf(node, {
    ...VARIABLES,
    ...(scope.isFinally === true ? { run: RUN_IN_FINALLY } : {}),
    input,
  });
  if (wanted !== "any") expect(node, found, { kind: wanted });
}

function checkStep(
  { name, offset }: { readonly name: string; readonly offset: number },
  { otherSteps: others = [], placeOf }: Scope,
  steps: readonly string[],
): void {
  if (steps.includes(name)) return;
  if (others.includes(name)) throw new ExpressionFault(tooEarly(name, placeOf?.(name)), offset);
  const closest = closestWord(name, [...steps, ...others]);
  const hint = closest === undefined ? "" : ` Did you mean \`${closest}\`?`;
  throw new ExpressionFault(`There is no step \`${name}\`.${hint}`, offset);
}

function tooEarly(name: string, place: "here" | "later" | "beside" | undefined): string {
  const step = `Step \`${name}\``;
  if (place === "here") {
    return `${step} is this one, which has no output yet. \`last\` is that of the iteration before, with \`while\`.`;
  }
  if (place === "later") {
    return `${step} comes after this one, so that it has no output here. Read it in a step that needs \`${name}\`.`;
  }
  return `${step} does not come before this one, so that it has no output here. Add it to \`needs\`.`;
}

function unknownVariable(node: Node & { op: "id" }, scope: Scope): ExpressionFault {
  const names = [...scope.variables, ...(scope.steps === undefined ? [] : ["steps"])];
  const closest = closestWord(node.args, names);
  const hint =
    closest === undefined
      ? `There ${names.length === 1 ? "is" : "are"} ${names.map((name) => `\`${name}\``).join(", ")}.`
      : `Did you mean \`${closest}\`?`;
  return new ExpressionFault(`There is no variable \`${node.args}\` here. ${hint}`, node.start);
}
