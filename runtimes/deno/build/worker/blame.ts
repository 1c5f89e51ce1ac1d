import type { SourceError } from "../../../../platform/problems.ts";
import { DENO_ENTRY, explain, type OutsideError } from "./outside-errors.ts";
import { locateImport, type QuickBuild } from "./quick-build.ts";

/** Locates errors of Deno's bundler at the user's imports; empty if they are inside imported modules. */
export async function blame(
  quick: QuickBuild,
  errors: readonly OutsideError[],
  directory: string,
): Promise<SourceError[]> {
  const found: SourceError[] = [];
  for (const error of errors) {
    const specifier = specifierAt(quick, error);
    if (specifier !== undefined) found.push(...(await blameImport(quick, { specifier, error, directory })));
  }
  return found;
}

/** Locates this error where the user's files import `specifier`. */
export async function blameImport(
  { files }: QuickBuild,
  { specifier, error, directory }: { specifier: string; error: OutsideError; directory: string },
): Promise<SourceError[]> {
  const message = `${specifier}: ${explain(error.text, directory)}`;
  const places = await locateImport(files, specifier, message);
  if (places.length > 0) return places;
  const file = [...files.keys()][0]!;
  return [{ message, file, line: 1, column: 1, lineText: "" }];
}

/** Returns the outside import at the place of an error in the module that Deno bundled. */
function specifierAt({ code, outside }: QuickBuild, { location }: OutsideError): string | undefined {
  if (location?.file !== DENO_ENTRY) return undefined;
  const line = lineOf(Buffer.from(code.buffer, code.byteOffset, code.byteLength), location.line);
  const literal = line.subarray(location.column, location.column + location.length).toString();
  const specifier = literal.slice(1, -1);
  return outside.has(specifier) ? specifier : undefined;
}

function lineOf(code: Buffer, number: number): Buffer {
  let start = 0;
  for (let line = 1; line < number; line++) {
    const end = code.indexOf(10, start);
    if (end < 0) return Buffer.alloc(0);
    start = end + 1;
  }
  const end = code.indexOf(10, start);
  return code.subarray(start, end < 0 ? code.length : end);
}
