import { isBuiltin } from "node:module";
import type {
  Loader,
  Message,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  PartialMessage,
  Plugin,
  TsconfigRaw,
} from "esbuild";
import { Problem } from "../../../../platform/problems.ts";
import type { Files } from "./archive.ts";
import { defuseComputedImports } from "./computed-imports.ts";
import { NAMESPACE } from "./diagnostics.ts";
import type { ProjectConfig } from "./import-map.ts";

const BUILTINS = `${NAMESPACE}-builtin`;
const GUESSED_ENDINGS = [".ts", ".tsx", ".js", ".mjs", "/index.ts", "/index.tsx", "/index.js"];

const LOADERS: Readonly<Record<string, Loader>> = {
  ts: "ts",
  mts: "ts",
  cts: "ts",
  tsx: "tsx",
  js: "js",
  mjs: "js",
  cjs: "js",
  jsx: "jsx",
  json: "json",
  ...Object.fromEntries(["txt", "html", "css", "md", "sql", "svg"].map((ending) => [ending, "text"])),
  wasm: "binary",
  bin: "binary",
};
const ATTRIBUTE_LOADERS: Readonly<Record<string, Loader>> = { json: "json", text: "text", bytes: "binary" };
const CODE_LOADERS: readonly Loader[] = ["ts", "tsx", "js", "jsx"];

export interface VirtualFilesOptions {
  readonly files: Files;
  readonly config: ProjectConfig;
  /** Returns why an `npm:`, `jsr:`, `https:` or `http:` import is refused; undefined if it is allowed. */
  readonly refuse: (specifier: string) => string | undefined;
  /** Gets every outside import that stays in the output. */
  readonly outside: Set<string>;
}

/**
 * Gives esbuild the files of a source and nothing else. It answers every import of every file, so that esbuild reads
 * nothing from the disk of the machine.
 */
export function virtualFiles({ files, config, refuse, outside }: VirtualFilesOptions): Plugin {
  const resolve = (request: OnResolveArgs): OnResolveResult => {
    if (request.kind === "entry-point") return { path: request.path, namespace: NAMESPACE };
    const target = config.imports.map(request.path) ?? request.path;
    // Targets of the import map are relative to the root of the archive, where the map is.
    const importer = target === request.path ? request.importer : "deno.json";
    if (/^\.\.?(\/|$)/.test(target)) return resolveFile(files, target, importer);
    if (isBuiltin(target)) return resolveBuiltin(target, request.kind);
    if (!/^(npm|jsr|https?):/.test(target)) return failed(whyUnknown(target));
    if (request.kind === "require-call") return failed(`require() of ${target}: write an import instead`);
    const refused = refuse(target);
    if (refused !== undefined) return failed(refused);
    outside.add(target);
    return { path: target, external: true };
  };
  return {
    name: "virtual-files",
    setup(build) {
      build.onResolve({ filter: /.*/ }, resolve);
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path, with: { type } }) =>
        load(files, { path, attribute: type, tsconfig: { compilerOptions: config.compilerOptions } }),
      );
      build.onLoad({ filter: /.*/, namespace: BUILTINS }, ({ path }) => ({
        // In an ES module nothing else returns a builtin without a promise.
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      }));
      // No import resolves to this. An import that named a file of the machine would still not read it.
      build.onLoad({ filter: /.*/ }, () => ({
        errors: [{ text: "Files of the machine cannot be imported" }],
      }));
    },
  };
}

function resolveFile(files: Files, specifier: string, importer: string): OnResolveResult {
  const path = pathInside(specifier, importer);
  if (path === undefined)
    return failed(`"${specifier}" leaves the source; only its own files can be imported`);
  const found = ["", ...GUESSED_ENDINGS].map((ending) => path + ending).find((name) => files.has(name));
  if (found !== undefined) return { path: found, namespace: NAMESPACE };
  const advice =
    files.size === 1 ? "; to deploy several files, post them as an archive (tar, tar.gz or zip)" : "";
  return failed(`Could not find "${path}" in the source${advice}`);
}

/** Undefined if the path leaves the archive. */
function pathInside(specifier: string, importer: string): string | undefined {
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function resolveBuiltin(name: string, kind: OnResolveArgs["kind"]): OnResolveResult {
  const path = name.startsWith("node:") ? name : `node:${name}`;
  return kind === "require-call" ? { path, namespace: BUILTINS } : { path, external: true };
}

function whyUnknown(specifier: string): string {
  if (/^(file:|\/|[a-z]:[\\/])/i.test(specifier)) {
    return `"${specifier}": files of the machine cannot be imported; put the file into the source`;
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(specifier)?.[1];
  if (scheme) return `${scheme}: imports are not supported; use npm:, jsr:, https:, node: or a relative path`;
  if (/^react\/jsx-(dev-)?runtime$/.test(specifier)) {
    return "JSX needs to know its library: start the file with /** @jsxImportSource npm:preact */";
  }
  return `"${specifier}" is a bare name: write "npm:${specifier}" for a package from npm, "./${specifier}" for a file, or map the name in deno.json`;
}

interface LoadRequest {
  readonly path: string;
  readonly attribute: string | undefined;
  readonly tsconfig: TsconfigRaw;
}

async function load(files: Files, { path, attribute, tsconfig }: LoadRequest): Promise<OnLoadResult> {
  const contents = files.get(path);
  if (!contents) throw new Error(`${path} was resolved but is not there`);
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (attribute !== undefined && !Object.hasOwn(ATTRIBUTE_LOADERS, attribute)) {
    return failed(`type "${attribute}" of an import is not supported; use json, text or bytes`);
  }
  // Only own members: an ending may be `constructor`.
  const known = attribute === undefined ? LOADERS : ATTRIBUTE_LOADERS;
  const key = attribute ?? ending;
  const loader = Object.hasOwn(known, key) ? known[key] : undefined;
  if (!loader) return failed(`".${ending}" files need with { type: "text" } or with { type: "bytes" }`);
  if (loader === "binary") return { contents, loader };
  const text = decode(contents);
  if (text === undefined) return failed(`${path} is not valid UTF-8 text`);
  if (!CODE_LOADERS.includes(loader)) return { contents: text, loader };
  const isClassic = /@jsx\s/.test(text) && !/@jsx(Runtime|ImportSource)\s/.test(text);
  // As in Deno, a file that names its factory does not want the automatic runtime.
  const code = isClassic ? `${text}\n/** @jsxRuntime classic */` : text;
  try {
    return { contents: await defuseComputedImports(code, { loader, file: path, tsconfig }), loader };
  } catch (error) {
    // A file that does not parse here must not get into the bundle because esbuild reads it in another way there.
    if (error instanceof Problem) return failed(error.detail);
    if (error instanceof Error && "errors" in error) return { errors: error.errors as Message[] };
    throw error;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function failed(text: string): { errors: PartialMessage[] } {
  return { errors: [{ text }] };
}
