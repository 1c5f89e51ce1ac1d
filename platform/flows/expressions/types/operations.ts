import { describeKind, type Kind } from "../evaluation/values.ts";
import type { Taken } from "../functions/signature.ts";

type Row = readonly [Taken, Taken, Taken];

/** Left, right, result; as `evaluation/operators.ts` calculates. */
const ARITHMETIC: Readonly<Record<string, readonly Row[]>> = {
  "+": [
    ["number", "number", "number"],
    ["text", "text", "text"],
    ["list", "list", "list"],
    ["timestamp", "duration", "timestamp"],
    ["duration", "timestamp", "timestamp"],
    ["duration", "duration", "duration"],
  ],
  "-": [
    ["number", "number", "number"],
    ["timestamp", "timestamp", "duration"],
    ["timestamp", "duration", "timestamp"],
    ["duration", "duration", "duration"],
  ],
  "*": [["number", "number", "number"]],
  "/": [["number", "number", "number"]],
  "%": [["number", "number", "number"]],
};

const ORDERED: readonly Taken[] = ["number", "text", "bool", "timestamp", "duration"];

/** The kind of the result, or a sentence that says why there is none. */
export function kindOfOperation(
  operator: string,
  left: Taken,
  right: Taken,
): { kind: Taken } | { fault: string } {
  const rows = ARITHMETIC[operator];
  if (rows !== undefined) return calculated(operator, rows, [left, right]);
  if (operator === "in") {
    const fits = ["list", "map", "any"].includes(right);
    return fits
      ? { kind: "bool" }
      : { fault: `\`in\` needs a list or a map on its right, not ${named(right)}.` };
  }
  if (left === "any" || right === "any") return { kind: "bool" };
  if (operator === "==" || operator === "!=") {
    const isKnown = left === right || [left, right].some((kind) => kind === "null" || kind === "optional");
    if (isKnown) return { kind: "bool" };
    return { fault: `\`${operator}\` compares ${named(left)} and ${named(right)}, which are never equal.` };
  }
  if (left === right && ORDERED.includes(left)) return { kind: "bool" };
  return { fault: `\`${operator}\` cannot compare ${named(left)} and ${named(right)}.` };
}

function calculated(
  operator: string,
  rows: readonly Row[],
  [left, right]: readonly [Taken, Taken],
): { kind: Taken } | { fault: string } {
  const found = rows.filter(
    (row) => (left === "any" || row[0] === left) && (right === "any" || row[1] === right),
  );
  const kinds = new Set(found.map((row) => row[2]));
  if (kinds.size > 0) return { kind: kinds.size === 1 ? [...kinds][0]! : "any" };
  const hint =
    operator === "+" && [left, right].includes("text") ? " Write `string(…)` around what is no text." : "";
  return { fault: `\`${operator}\` does not apply to ${named(left)} and ${named(right)}.${hint}` };
}

export function named(kind: Taken): string {
  return kind === "any" ? "any value" : describeKind(kind as Kind);
}
