import { transform } from "esbuild";
import { buildFailed, NO_WARNINGS } from "../diagnostics.ts";
import type { JsonObject } from "./config/json-file.ts";
import type { Sources } from "./sources.ts";

/** JSX libraries, and the subpath of their `jsx-runtime`. */
const LIBRARIES: Readonly<Record<string, string>> = {
  react: "",
  preact: "",
  vue: "",
  "solid-js": "/h",
  "@kitajs/html": "",
  "hono/jsx": "",
};
/** Packages that come with a library. They decide if no library is imported itself. */
const COMPANIONS: Readonly<Record<string, string>> = {
  "react-dom": "react",
  "preact-render-to-string": "preact",
  hono: "hono/jsx",
};
/** `npm:react@19/server`, `jsr:@hono/hono@4`, `https://esm.sh/react@18`: start, package, version, subpath. */
const SPECIFIER = /^(npm:\/?|jsr:\/?|https:\/\/esm\.sh\/)?((?:@[\w.-]+\/)?[\w.-]+)(@[^/?]+)?(\/[^?]*)?$/;
const PRAGMA = /@jsx(ImportSource)?\s+\S/;
const REACT_IN_SCOPE =
  /\bimport\s+(?:\*\s*as\s+)?React\b|\bdefault\s+as\s+React\b|\b(?:const|let|var)\s+React\b/;

export interface JsxProject {
  /** Sources that the main module leads to. */
  readonly reachable: ReadonlyMap<string, string>;
  readonly sources: Sources;
  readonly options: JsonObject;
  /** Whether a bare name has a package. */
  readonly declares: (name: string) => boolean;
}

/**
 * Completes the compiler options for JSX. The configuration decides, then the pragma of each file, then the one library that
 * the sources import.
 * @throws Problem `build_failed` if a file has JSX and nothing says of which library
 */
export async function completeJsx(project: JsxProject): Promise<JsonObject> {
  const { options, declares } = project;
  const { jsx, jsxImportSource } = options;
  if (typeof jsxImportSource === "string") {
    return { ...options, jsx: jsx ?? "react-jsx", jsxImportSource: qualified(project, jsxImportSource) };
  }
  if (jsx === "react" || options.jsxFactory !== undefined) return options;
  if (jsx !== undefined && declares("react")) return options;
  const needy = await withoutLibrary(project.reachable);
  // Deno's default is the classic runtime. It calls React, so a file that imports that has what it needs.
  if (needy.length === 0 || (jsx === undefined && needy.every(([, text]) => REACT_IN_SCOPE.test(text))))
    return options;
  const library = importedLibrary(project);
  if (library !== undefined) return { ...options, jsx: jsx ?? "react-jsx", jsxImportSource: library };
  throw buildFailed(
    needy.map(([file, text]) => ({
      message:
        "JSX needs to know its library: start the file with /** @jsxImportSource npm:preact */, or set jsxImportSource in the compilerOptions of deno.json",
      file,
      line: 1,
      column: 1,
      lineText: text.split("\n", 1)[0]!.slice(0, 160),
    })),
  );
}

/** Files with JSX that name no library. */
async function withoutLibrary(texts: ReadonlyMap<string, string>): Promise<[file: string, text: string][]> {
  const found: [string, string][] = [];
  for (const [file, text] of texts) {
    if (!/\.[jt]sx$/.test(file) || PRAGMA.test(text) || !/<[\w>]/.test(text)) continue;
    if (await hasJsx(text)) found.push([file, text]);
  }
  return found;
}

async function hasJsx(text: string): Promise<boolean> {
  try {
    const { code } = await transform(text, {
      loader: "tsx",
      jsx: "automatic",
      jsxImportSource: "skiff-jsx",
      tsconfigRaw: "{}",
      logLevel: "silent",
      logOverride: NO_WARNINGS,
    });
    return code.includes('"skiff-jsx/jsx-runtime"') || code.includes('"skiff-jsx"');
  } catch {
    // Code that does not parse has its error at the build.
    return false;
  }
}

/** The one library that is imported, as it is imported; undefined for none or several. */
function importedLibrary(project: JsxProject): string | undefined {
  const imported = importedPackages(project);
  const own = Object.keys(LIBRARIES).filter((name) => imported.has(name));
  const [name] = own;
  if (own.length > 1) return undefined;
  if (name !== undefined) return imported.get(name)! + LIBRARIES[name];
  const companions = Object.keys(COMPANIONS).filter((each) => imported.has(each));
  const libraries = new Set(companions.map((each) => COMPANIONS[each]!));
  const [library] = libraries;
  if (library === undefined || libraries.size > 1) return undefined;
  return sourceOf(project, { library, companion: companions[0]!, imported: imported.get(companions[0]!)! });
}

/** Specifiers of imported packages, without a subpath, by package. `hono/jsx` counts as a package. */
function importedPackages({ reachable, sources, declares }: JsxProject): Map<string, string> {
  const found = new Map<string, string>();
  const strings = [...reachable.keys()].flatMap((file) => [...sources.stringsOf(file)]);
  for (const string of strings) {
    const [, start = "", name = "", version = "", subpath = ""] = SPECIFIER.exec(string) ?? [];
    const plain = start.startsWith("jsr:") ? name.replace(/^@hono\/hono$/, "hono") : name;
    if (name === "" || (start === "" && !declares(name))) continue;
    const specifier = `${start}${name}${version}`;
    if (!found.has(plain)) found.set(plain, specifier);
    if (plain === "hono" && /^\/jsx(\/|$)/.test(subpath)) found.set("hono/jsx", `${specifier}/jsx`);
  }
  return found;
}

interface Companion {
  readonly library: string;
  readonly companion: string;
  readonly imported: string;
}

function sourceOf({ declares }: JsxProject, { library, companion, imported }: Companion): string {
  if (companion === "hono") return `${imported}/jsx`;
  if (declares(library)) return library;
  // react-dom has the versions of react; others do not share theirs.
  if (companion === "react-dom")
    return imported.replace("react-dom", "react").replace(/^react$/, "npm:react");
  return `npm:${library}`;
}

/** A bare name that no package stands behind becomes the package of that name that is imported with a version. */
function qualified(project: JsxProject, source: string): string {
  const [, start, name = "", , subpath = ""] = SPECIFIER.exec(source) ?? [];
  if (start !== undefined || name === "" || project.declares(name)) return source;
  const imported = importedPackages(project).get(name);
  return imported === undefined ? source : imported + subpath;
}
