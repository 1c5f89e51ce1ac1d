import { realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { SourceFile } from "./folder-files.ts";

/** Imports of other files, also in comments and texts: esbuild decides. */
const RELATIVE_IMPORT = /(?:from|import)\s*\(?\s*["']\.{1,2}\//;
const TEXT = ["txt", "md", "html", "css", "svg", "sql"];

/** Whether a module may import files of this machine. */
export function mayImportFiles(text: string): boolean {
  return RELATIVE_IMPORT.test(text);
}

export interface ImportedFiles {
  /** The module and the files that it imports, in the order of their paths; none if it does not build. */
  readonly files: readonly SourceFile[];
  /** Path of the module below the folder that the files share. */
  readonly entry: string;
  /** Folders of all that is imported, also of what is missing. */
  readonly folders: readonly string[];
}

/**
 * Follows the imports of a module, directly or not. What leads nowhere, and what does not build, is left to the build of
 * Skiff, which reports the line.
 * @param entry absolute
 */
export async function importedFiles(entry: string): Promise<ImportedFiles> {
  const esbuild = await import("esbuild");
  const folders = new Set([dirname(entry), dirname(realpathSync(entry))]);
  const options = {
    entryPoints: [entry],
    absWorkingDir: dirname(entry),
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    format: "esm",
    platform: "neutral",
    logLevel: "silent",
    preserveSymlinks: true,
    loader: {
      ".wasm": "binary",
      ...Object.fromEntries(TEXT.map((ending) => [`.${ending}`, "text"] as const)),
    },
    outdir: dirname(entry),
    plugins: [
      {
        name: "note folders",
        setup({ onResolve }) {
          onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
            folders.add(dirname(resolve(resolveDir, path)));
            return undefined;
          });
          onResolve({ filter: /^[a-z][a-z0-9+.-]+:/i }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
  } as const satisfies Parameters<typeof esbuild.build>[0];
  const built = await esbuild.build(options).catch((error: unknown) => {
    if (error instanceof Error && "errors" in error) return undefined;
    throw error;
  });
  if (built === undefined) return { files: [], entry: "", folders: [...folders] };
  const paths = Object.keys(built.metafile.inputs).map((path) => resolve(dirname(entry), path));
  const shared = sharedFolder([entry, ...paths]);
  const files = paths.map((file) => ({ path: inside(shared, file), file }));
  for (const file of paths) folders.add(dirname(realpathSync(file)));
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    entry: inside(shared, entry),
    folders: [...folders],
  };
}

function inside(folder: string, file: string): string {
  return relative(folder, file).replaceAll("\\", "/");
}

function sharedFolder(files: readonly string[]): string {
  const [first = [], ...rest] = files.map((file) => dirname(file).split("/"));
  const differs = first.findIndex((part, at) => rest.some((other) => other[at] !== part));
  return join("/", ...(differs < 0 ? first : first.slice(0, differs)));
}
