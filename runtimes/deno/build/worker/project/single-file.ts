import { build, type Loader, transform } from "esbuild";
import { NO_WARNINGS } from "../diagnostics.ts";

/** Words that only CommonJS has. */
const MAY_BE_COMMONJS = /\brequire\b|\bmodule\s*\.\s*exports\b|\bexports\b/;
const QUIET = { logLevel: "silent", logOverride: NO_WARNINGS, tsconfigRaw: "{}" } as const;

/**
 * Names a single posted file, for Deno parses a file by its name: `main.tsx` if only that parser reads it, `main.cjs` or
 * `main.cts` for CommonJS, else `main.ts`.
 */
export async function nameSingleFile(bytes: Uint8Array): Promise<string> {
  const code = new TextDecoder().decode(bytes);
  const asTs = await parsedUpTo(code, "ts");
  if (isWhole(asTs)) {
    if (!(await isCommonJs(code, "ts"))) return "main.ts";
    return isWhole(await parsedUpTo(code, "js")) ? "main.cjs" : "main.cts";
  }
  const asTsx = await parsedUpTo(code, "tsx");
  const isRatherTsx = asTsx.line > asTs.line || (asTsx.line === asTs.line && asTsx.column > asTs.column);
  return isRatherTsx ? "main.tsx" : "main.ts";
}

/** Whether code that parses is CommonJS: it uses `require`, `module` or `exports`, and nothing that only modules have. */
export async function isCommonJs(code: string, loader: Loader): Promise<boolean> {
  if (!MAY_BE_COMMONJS.test(code) || /\bimport\s*\.\s*meta\b/.test(code)) return false;
  const asModule = await parsedAsModule(code, loader);
  if (asModule === undefined || asModule.kinds.has("import-statement")) return false;
  // esbuild wraps code that uses `module` or `exports`, and makes the wrapper's result the default export.
  if (!asModule.isWrapped && (asModule.exports > 0 || !asModule.kinds.has("require-call"))) return false;
  // Only modules can wait at their top level.
  return isWhole(await parsedUpTo(code, loader, "cjs"));
}

async function parsedAsModule(code: string, loader: Loader) {
  try {
    const { metafile, outputFiles } = await build({
      ...QUIET,
      stdin: { contents: code, loader },
      bundle: false,
      format: "esm",
      metafile: true,
      write: false,
    });
    const [output] = Object.values(metafile.outputs);
    const { exports = [], imports = [] } = output ?? {};
    return {
      exports: exports.length,
      kinds: new Set(imports.map(({ kind }) => kind)),
      isWrapped: (outputFiles[0]?.text ?? "").includes("__commonJS("),
    };
  } catch {
    // Code that does not parse has its error at the build.
    return undefined;
  }
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function isWhole({ line }: Place): boolean {
  return line === Number.POSITIVE_INFINITY;
}

/** Place of the first syntax error, or one behind the end. */
async function parsedUpTo(code: string, loader: Loader, format?: "cjs"): Promise<Place> {
  try {
    await transform(code, { ...QUIET, loader, ...(format && { format }) });
  } catch (error) {
    const [first] = (error as { errors?: readonly { location: Place | null }[] }).errors ?? [];
    if (first === undefined) throw error;
    if (first.location) return first.location;
  }
  return { line: Number.POSITIVE_INFINITY, column: 0 };
}
