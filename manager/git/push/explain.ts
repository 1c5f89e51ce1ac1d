import { type SourceError, toProblem } from "../../../platform/problems.ts";
import type { FunctionPlan } from "./plan/tree-plan.ts";

const MOST_ERRORS = 10;
const MOST_LINES = 40;

/** Says what failed, in lines for a terminal: each error in a source with its place in the tree and its line. */
export function explain(error: unknown, plan: FunctionPlan): string[] {
  const { code, detail, extensions } = toProblem(error);
  const { errors = [] } = extensions;
  // The detail of a failed start has the end of the log.
  if (errors.length === 0 || code === "start_failed") {
    return `${plan.name}: ${detail}`.split("\n").slice(0, MOST_LINES);
  }
  return errorLines(errors.map((each) => ({ ...each, file: pathInTree(each.file, plan) })));
}

/** Says what is wrong with files, each error with its place and its line. */
export function errorLines(errors: readonly SourceError[]): string[] {
  const shown = errors.slice(0, MOST_ERRORS).flatMap(linesOf);
  const more = errors.length - MOST_ERRORS;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

function linesOf({ file, line, column, message, lineText }: SourceError): string[] {
  const place = `${file}:${line}:${column} ${message}`;
  if (lineText.trim() === "") return place.split("\n");
  const indent = lineText.slice(0, column - 1).replace(/[^\t]/g, " ");
  const caret = column <= lineText.length + 1 ? [`  ${indent}^`] : [];
  return [...place.split("\n"), `  ${lineText}`, ...caret];
}

/** A build knows the source of one function alone. */
function pathInTree(file: string, { path, versions }: FunctionPlan): string {
  if (path === "." || path === "") return file;
  const isOneFile = versions.some(({ order }) => order.source?.type === "text/typescript");
  return isOneFile ? path : `${path}/${file}`;
}
