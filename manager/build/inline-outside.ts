import type { SourceError } from "../../platform/problems.ts";
import { buildFailed } from "./diagnostics.ts";
import { explain } from "./outside-errors.ts";
import { bundleOutside, ENTRY, type OutsideError, type OutsideOptions } from "./outside-imports.ts";
import { locateImport, type QuickBuild } from "./quick-build.ts";
import { renameSources, splitInlineMap, withInlineMap } from "./source-map.ts";

/**
 * The module of a quick build with its outside imports inlined. Its source map still leads to the user's
 * lines: Deno's bundler takes the inline map of its input into account.
 * @throws Problem `build_failed` at the user's import that could not be inlined
 */
export async function inlineOutside(
  quick: QuickBuild,
  options: OutsideOptions,
  signal: AbortSignal,
): Promise<string> {
  const result = await bundleOutside(quick.code, options, signal);
  if ("errors" in result) throw buildFailed(await blame(quick, result.errors, { options, signal }));
  const { code, mapJson } = splitInlineMap(result.code);
  return withInlineMap(code, renameSources(mapJson, quick.files));
}

interface Context {
  readonly options: OutsideOptions;
  readonly signal: AbortSignal;
}

/** The user's imports that the bundler's errors are about. */
async function blame(
  quick: QuickBuild,
  errors: readonly OutsideError[],
  context: Context,
): Promise<SourceError[]> {
  const found: SourceError[] = [];
  for (const error of errors) {
    const specifier = specifierAt(quick, error);
    if (specifier !== undefined) found.push(...(await describe(quick, specifier, error, context)));
  }
  return found.length > 0 ? found : await tryEach(quick, errors, context);
}

/** The errors are inside packages: whichever import fails by itself brings them in. */
async function tryEach(
  quick: QuickBuild,
  errors: readonly OutsideError[],
  context: Context,
): Promise<SourceError[]> {
  const { options, signal } = context;
  const specifiers = [...quick.outside];
  for (const specifier of specifiers) {
    const alone = `import ${JSON.stringify(specifier)};\n`;
    const result = specifiers.length === 1 ? { errors } : await bundleOutside(alone, options, signal);
    if (!("errors" in result)) continue;
    return await describe(quick, specifier, result.errors[0]!, context);
  }
  return await describe(quick, specifiers[0]!, errors[0]!, context);
}

async function describe(
  quick: QuickBuild,
  specifier: string,
  error: OutsideError,
  { options }: Context,
): Promise<SourceError[]> {
  const message = `${specifier}: ${explain(error.text, options.directory)}`;
  const places = await locateImport(quick.files, specifier, message);
  if (places.length > 0) return places;
  const file = [...quick.files.keys()][0]!;
  return [{ message, file, line: 1, column: 1, lineText: "" }];
}

/** The outside import at the place of an error in the module that Deno was given. */
function specifierAt({ code, outside }: QuickBuild, { location }: OutsideError): string | undefined {
  if (location?.file !== ENTRY) return undefined;
  const line = Buffer.from(code.split("\n")[location.line - 1] ?? "");
  const literal = line.subarray(location.column, location.column + location.length).toString();
  const specifier = literal.slice(1, -1);
  return outside.has(specifier) ? specifier : undefined;
}
