import { type BuildFailure, build, type Loader, type Message, type Metafile, transform } from "esbuild";
import { buildFailed, NO_WARNINGS, sourceErrors } from "./diagnostics.ts";
import { withInlineMap } from "./inline-map.ts";

/** What a single posted file is. */
export type SingleFile =
  /** A plain JavaScript module that needs nothing but Deno's builtins. */
  | { readonly module: Uint8Array }
  /** A file that imports something, which Deno runs as a project. */
  | { readonly name: "main.ts" | "main.tsx" };

/** Marks of CommonJS, which Deno recognises by the name of a file. */
const COMMONJS = /\bmodule\s*\.\s*exports\b|\bexports\s*[.[]|\brequire\s*\(/;

/**
 * Transforms a single posted file, without bundling.
 * @throws Problem `build_failed` if it does not parse
 */
export async function buildSingleFile(bytes: Uint8Array): Promise<SingleFile> {
  const code = new TextDecoder().decode(bytes);
  try {
    return (await toModule(code)) ?? { name: "main.ts" };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const tsx = await syntaxErrors(code, "tsx");
    if (tsx.length === 0) return { name: "main.tsx" };
    // A single posted file has no name that distinguishes TypeScript with and without JSX: the better parser is right.
    const isTsx = isFurther(tsx[0], (await syntaxErrors(code, "ts"))[0]);
    const name = isTsx ? "main.tsx" : "main.ts";
    const errors = isTsx ? tsx : error.errors;
    throw buildFailed(sourceErrors(errors, new Map([[name, bytes]]), name), errors.length);
  }
}

/** Undefined if the code needs more than Deno's builtins. */
async function toModule(code: string): Promise<{ module: Uint8Array } | undefined> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, loader: "ts", sourcefile: "main.ts" },
    bundle: false,
    write: false,
    metafile: true,
    format: "esm",
    target: "esnext",
    // esbuild would leave decorators as they are, and Deno cannot parse them.
    supported: { decorators: false },
    define: { "import.meta.main": "true" },
    charset: "utf8",
    sourcemap: "external",
    outfile: "main.js",
    absWorkingDir: "/",
    logLevel: "silent",
    logOverride: NO_WARNINGS,
    tsconfigRaw: "{}",
  });
  if (!isSelfContained(metafile, code)) return undefined;
  const file = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))!;
  return { module: withInlineMap(file(".js").contents, file(".js.map").text) };
}

function isSelfContained({ outputs }: Metafile, code: string): boolean {
  const all = Object.values(outputs);
  const imports = all.flatMap((output) => output.imports);
  if (imports.some(({ path }) => !path.startsWith("node:"))) return false;
  const isModule = imports.length > 0 || all.some((output) => output.exports.length > 0);
  return isModule || !COMMONJS.test(code);
}

async function syntaxErrors(code: string, loader: Loader): Promise<readonly Message[]> {
  try {
    await transform(code, { loader, logLevel: "silent", logOverride: NO_WARNINGS, tsconfigRaw: "{}" });
    return [];
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    return error.errors;
  }
}

function isFurther(one: Message | undefined, other: Message | undefined): boolean {
  const [a, b] = [one?.location, other?.location];
  if (!a || !b) return !a;
  return a.line > b.line || (a.line === b.line && a.column > b.column);
}

function isBuildFailure(error: unknown): error is BuildFailure & { errors: Message[] } {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}
