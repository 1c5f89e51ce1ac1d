import { relative, resolve } from "node:path";
import type { SourceError } from "../../../../platform/problems.ts";
import { lineAt } from "../worker/diagnostics.ts";

/** Folder of modules that the build adds: what they import stands in package.json. */
const GENERATED = ".skiff/";

/** A project while its imports are resolved. */
export interface ResolvedProject {
  readonly root: string;
  /** Path of the main module. */
  readonly entry: string;
  /** Files of the project as posted. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/**
 * Returns the path in the project that a file URL means; undefined if it leads out of the project, or is no file URL. Deno
 * decodes all of it, so `..%2f` leads up as well.
 */
export function pathInProject(url: string, root: string): string | undefined {
  if (!/^file:/i.test(url) || !URL.canParse(url)) return undefined;
  const decoded = new URL(url).pathname.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString(),
  );
  const path = relative(root, resolve(decoded));
  return path === "" || path === ".." || path.startsWith("../") || path.startsWith("/") ? undefined : path;
}

/** The place of an error; the start of the main module if it is in no posted file. */
export function placeIn(
  { root, entry, files }: ResolvedProject,
  url: string,
  { line, column }: Position,
): Omit<SourceError, "message"> {
  const file = pathInProject(url, root);
  if (file?.startsWith(GENERATED)) return { file: "package.json", line: 1, column: 1, lineText: "" };
  const posted = file === undefined ? undefined : files.get(file);
  if (file === undefined || !posted) return { file: file ?? entry, line: 1, column: 1, lineText: "" };
  return { file, line, column, lineText: lineAt(new TextDecoder().decode(posted), line) ?? "" };
}
