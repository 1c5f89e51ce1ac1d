import type { Location, LogLevel, Message } from "esbuild";
import { Problem, type SourceError } from "../../../../platform/problems.ts";
import type { Files } from "./archive.ts";

const MAX_ERRORS = 20;
const MAX_LINE = 160;
const MAX_MESSAGE = 2_000;

/** Namespace of the user's files in esbuild, so that it never searches the disk for them. */
export const NAMESPACE = "source";

/**
 * Switches esbuild's warnings off. Each contains the whole line that it is about, so those of a minified file of a few MB
 * would take GBs.
 */
export const NO_WARNINGS: Readonly<Record<string, LogLevel>> = Object.fromEntries(
  [
    ...["assert-to-with", "assert-type-json", "assign-to-constant", "assign-to-define", "assign-to-import"],
    ...["bigint", "call-import-namespace", "class-name-will-throw", "commonjs-variable-in-esm"],
    ...["confusing-typescript-cast", "delete-super-property", "direct-eval", "duplicate-case"],
    ...["duplicate-class-member", "duplicate-object-key", "empty-import-meta", "equals-nan"],
    ...["equals-negative-zero", "equals-new-object", "html-comment-in-js", "impossible-typeof"],
    ...["indirect-require", "private-name-will-throw", "semicolon-after-return", "suspicious-boolean-not"],
    ...["suspicious-define", "suspicious-logical-operator", "suspicious-nullish-coalescing"],
    ...["this-is-undefined-in-esm", "unsupported-dynamic-import", "unsupported-jsx-comment"],
    ...["unsupported-regexp", "unsupported-require-call", "ambiguous-reexport", "different-path-case"],
    ...["empty-glob", "ignored-bare-import", "ignored-dynamic-import", "import-is-undefined"],
    ...["require-resolve-not-external", "invalid-source-mappings", "missing-source-map"],
    "unsupported-source-map-comment",
  ].map((id) => [id, "silent"]),
);

/**
 * Makes a `build_failed` with the places of the errors; the detail describes the first one.
 * @param total number of errors, if not all are given
 */
export function buildFailed(errors: readonly SourceError[], total = errors.length): Problem {
  const [first] = errors;
  if (!first) throw new Error("a failed build without an error");
  const more = total - 1;
  const others = more === 0 ? "" : `\n(and ${more} more ${more === 1 ? "error" : "errors"})`;
  const listed = errors.slice(0, MAX_ERRORS).map((error) => ({ ...error, message: cut(error.message) }));
  return new Problem("build_failed", describeError({ ...first, message: cut(first.message) }) + others, {
    errors: listed.map((error) => ({ ...error, lineText: cutLine(error.lineText, error.column - 1).text })),
  });
}

/** Converts esbuild's messages to errors in the user's files, with the lines as they were posted. */
export function sourceErrors(messages: readonly Message[], files: Files, entry: string): SourceError[] {
  return messages.slice(0, MAX_ERRORS).map(({ text, location }) => {
    if (!location) return { message: text, file: entry, line: 1, column: 1, lineText: "" };
    const file = location.file.replace(`${NAMESPACE}:`, "");
    const posted = files.get(file);
    const lineText = (posted && lineAt(new TextDecoder().decode(posted), location.line)) ?? location.lineText;
    return { message: text, file, line: location.line, column: columnOf(location), lineText };
  });
}

/** 1-based column in characters; esbuild counts bytes from 0. */
export function columnOf({ lineText, column }: Pick<Location, "lineText" | "column">): number {
  return Buffer.from(lineText).subarray(0, column).toString().length + 1;
}

function describeError({ message, file, line, column, lineText }: SourceError): string {
  const heading = `${file}:${line}:${column}: ${message}`;
  if (lineText.trim() === "") return heading;
  const shown = cutLine(lineText, column - 1);
  const gutter = `  ${line} | `;
  const caret = `${" ".repeat(gutter.length - 2)}| ${" ".repeat(shown.caret)}^`;
  return `${heading}\n${gutter}${shown.text.replaceAll("\t", " ")}\n${caret}`;
}

/** A message may quote a specifier of some MiB. */
function cut(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`;
}

/** Cuts a long (minified) line down to the part around the error. */
function cutLine(lineText: string, index: number): { text: string; caret: number } {
  const start = index < MAX_LINE ? 0 : index - MAX_LINE / 2;
  return { text: lineText.slice(start, start + MAX_LINE), caret: index - start };
}

/** Yields where the lines of a text begin, as esbuild counts them: after LF, CR, CR LF, U+2028 and U+2029. */
export function* startsOfLines(text: string): Generator<number> {
  yield 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 13 && text.charCodeAt(at + 1) === 10) continue;
    if (code === 10 || code === 13 || code === 0x2028 || code === 0x2029) yield at + 1;
  }
}

/** Returns the line with this number, from 1, without its end; undefined if there is none. */
export function lineAt(text: string, number: number): string | undefined {
  let current = 0;
  for (const start of startsOfLines(text)) {
    if (++current === number) return /^[^\n\r\u2028\u2029]*/.exec(text.slice(start))![0];
  }
  return undefined;
}
