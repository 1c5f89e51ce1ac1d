import { Problem, type SourceError, toProblem } from "../../../platform/problems.ts";

const MOST_ERRORS = 10;
const MOST_LINES = 40;

/** Says what failed, in lines for a terminal: each error in a source with its place and the line. */
export function explain(error: unknown): string[] {
  const { detail, extensions } = toProblem(error);
  const { errors = [] } = extensions;
  if (errors.length === 0 || !isAboutSource(error)) return detail.split("\n").slice(0, MOST_LINES);
  const shown = errors.slice(0, MOST_ERRORS).flatMap(linesOf);
  const more = errors.length - MOST_ERRORS;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

/** The detail of a failed start has the end of its log, which shows the error as well. */
function isAboutSource(error: unknown): boolean {
  return error instanceof Problem && error.code !== "start_failed";
}

function linesOf({ file, line, column, message, lineText }: SourceError): string[] {
  const place = `${file}:${line}:${column} ${message}`;
  if (lineText.trim() === "") return place.split("\n");
  const indent = lineText.slice(0, column - 1).replace(/[^\t]/g, " ");
  const caret = column <= lineText.length + 1 ? [`  ${indent}^`] : [];
  return [...place.split("\n"), `  ${lineText}`, ...caret];
}
