import { type BuildFailure, build, type Message, transform } from "esbuild";
import { buildFailed, NO_WARNINGS, sourceErrors } from "./diagnostics.ts";
import { withInlineMap } from "./inline-map.ts";
import { isCommonJs, nameSingleFile } from "./project/single-file.ts";

/** A module is imported by a program that runs already: code that observes the start of a program needs to be one. */
const SEES_ITS_START =
  /\bimport\.meta\.(url|filename|dirname|resolve)\b|\bmainModule\b|\bargv\b|["'`]load["'`]|\bonload\b/;

/**
 * Transforms a single posted file that imports nothing but Deno's builtins into a plain JavaScript module, without bundling.
 * Undefined if Deno has to run the file as a project.
 * @throws Problem `build_failed` if it does not parse
 */
export async function buildModule(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const code = new TextDecoder().decode(bytes);
  try {
    return await toModule(code);
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const name = await nameSingleFile(bytes);
    const errors = name === "main.tsx" ? await syntaxErrors(code) : error.errors;
    if (errors.length === 0) return undefined;
    throw buildFailed(sourceErrors(errors, new Map([[name, bytes]]), name), errors.length);
  }
}

/** Undefined if the code needs more than Deno's builtins, or its place as the main module. */
async function toModule(code: string): Promise<Uint8Array | undefined> {
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
  const isSelfContained = Object.values(metafile.outputs).every(({ imports }) => imports.every(isBuiltin));
  if (!isSelfContained || SEES_ITS_START.test(code) || (await isCommonJs(code, "ts"))) return undefined;
  const file = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))!;
  return withInlineMap(file(".js").contents, file(".js.map").text);
}

function isBuiltin({ path }: { readonly path: string }): boolean {
  return path.startsWith("node:");
}

async function syntaxErrors(code: string): Promise<readonly Message[]> {
  try {
    await transform(code, {
      ...{ loader: "tsx", sourcefile: "main.tsx", tsconfigRaw: "{}" },
      ...{ logLevel: "silent", logOverride: NO_WARNINGS },
    });
    return [];
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    return error.errors;
  }
}

function isBuildFailure(error: unknown): error is BuildFailure & { errors: Message[] } {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}
