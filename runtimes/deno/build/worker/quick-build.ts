import { type BuildFailure, type BuildOptions, build, type Loader, type Message, transform } from "esbuild";
import { Problem, type SourceError } from "../../../../platform/problems.ts";
import type { Files } from "./archive.ts";
import { buildFailed, NO_WARNINGS, sourceErrors } from "./diagnostics.ts";
import { readProjectConfig } from "./import-map.ts";
import { ENTRY_NAMES } from "./source-files.ts";
import { renameSources, withInlineMap } from "./source-map.ts";
import { virtualFiles } from "./virtual-files.ts";

export interface QuickBuild {
  /** The user's files as one module with an inline source map. */
  readonly code: Uint8Array;
  /** The same without its map. */
  readonly bare: Uint8Array;
  /** The remaining `npm:`, `jsr:` and `https:` imports. */
  readonly outside: ReadonlySet<string>;
  /** The files that were built: a single posted file may be TSX. */
  readonly files: Files;
}

/** Returns why an outside import is refused; undefined if it is allowed. */
export type Refuse = (specifier: string) => string | undefined;

const OPTIONS = {
  bundle: true,
  write: false,
  format: "esm",
  target: "esnext",
  // esbuild would leave them as they are, and Deno cannot parse them.
  supported: { decorators: false },
  // Only for the treatment of required builtins: the plugin answers imports.
  platform: "node",
  charset: "utf8",
  sourcemap: "external",
  outfile: "bundle.js",
  absWorkingDir: "/",
  logLevel: "silent",
  logOverride: NO_WARNINGS,
} as const satisfies BuildOptions;

/**
 * Bundles the user's own files in memory.
 * @throws Problem `build_failed`
 */
export async function quickBuild(files: Files, refuse: Refuse): Promise<QuickBuild> {
  const [only] = files.size === 1 ? [...files] : [];
  if (only?.[0] !== "main.ts") return await buildFiles(files, refuse);
  try {
    return await buildFiles(files, refuse);
  } catch (error) {
    // A single posted file has no name that distinguishes TypeScript with and without JSX.
    if (!(error instanceof Problem) || !(await isRatherTsx(only[1]))) throw error;
    return await buildFiles(new Map([["main.tsx", only[1]]]), refuse);
  }
}

/** Whether code that does not build is TSX: that parser gets further. */
async function isRatherTsx(bytes: Uint8Array): Promise<boolean> {
  const code = new TextDecoder().decode(bytes);
  const [ts, tsx] = [await parsedUpTo(code, "ts"), await parsedUpTo(code, "tsx")];
  return tsx.line > ts.line || (tsx.line === ts.line && tsx.column > ts.column);
}

/** Place of the first syntax error, or one behind the end. */
async function parsedUpTo(code: string, loader: Loader): Promise<{ line: number; column: number }> {
  try {
    await transform(code, { loader, logLevel: "silent", logOverride: NO_WARNINGS, tsconfigRaw: "{}" });
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    if (error.errors[0]?.location) return error.errors[0].location;
  }
  return { line: Number.POSITIVE_INFINITY, column: 0 };
}

/**
 * Finds where the user's files import `specifier`, as errors with this message. Only esbuild knows the place of an import,
 * and reports it in the errors of a build.
 */
export async function locateImport(files: Files, specifier: string, message: string): Promise<SourceError[]> {
  const refuse: Refuse = (each) => (each === specifier ? message : undefined);
  try {
    await buildFiles(files, refuse);
    return [];
  } catch (error) {
    const errors = error instanceof Problem ? (error.extensions.errors ?? []) : [];
    return errors.filter((each) => each.message === message);
  }
}

async function buildFiles(files: Files, refuse: Refuse): Promise<QuickBuild> {
  const entry = ENTRY_NAMES.find((name) => files.has(name))!;
  const config = readProjectConfig(files);
  const outside = new Set<string>();
  const result = await build({
    ...OPTIONS,
    entryPoints: [entry],
    tsconfigRaw: { compilerOptions: config.compilerOptions },
    plugins: [virtualFiles({ files, config, refuse, outside })],
  }).catch((error: unknown) => {
    if (isBuildFailure(error))
      throw buildFailed(sourceErrors(error.errors, files, entry), error.errors.length);
    throw error;
  });
  const file = (ending: string) => result.outputFiles.find(({ path }) => path.endsWith(ending))!;
  const bare = file(".js").contents;
  const map = renameSources(file(".js.map").text, files);
  return { code: withInlineMap(bare, map), bare, outside, files };
}

/** Lists the imports of a module whose specifier is a literal. */
export async function listImports(code: Uint8Array): Promise<readonly { path: string; dynamic: boolean }[]> {
  // Without bundling esbuild only lists imports: it follows none and expands no pattern.
  const { metafile } = await build({
    ...OPTIONS,
    bundle: false,
    sourcemap: false,
    metafile: true,
    tsconfigRaw: "{}",
    stdin: { contents: code, loader: "js" },
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return imports
    .filter(({ kind }) => kind !== "require-call")
    .map(({ path, kind }) => ({ path, dynamic: kind === "dynamic-import" }));
}

function isBuildFailure(error: unknown): error is BuildFailure & { errors: Message[] } {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}
