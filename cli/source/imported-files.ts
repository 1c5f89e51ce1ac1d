import { dirname, join, relative, resolve } from "node:path";
import type { SourceFile } from "./folder-files.ts";

/** Imports of other files, also in comments and texts: esbuild decides. */
const RELATIVE_IMPORT = /(?:from|import)\s*\(?\s*["']\.{1,2}\//;

/** Whether a module may import files of this machine. */
export function mayImportFiles(text: string): boolean {
  return RELATIVE_IMPORT.test(text);
}

/**
 * Returns a module and the files that it imports, directly or not, below the folder that they share. An import that
 * leads nowhere is left to the build, which reports its line.
 */
export async function importedFiles(
  entry: string,
): Promise<{ files: SourceFile[]; entry: string; folder: string }> {
  const esbuild = await import("esbuild");
  const folder = dirname(entry);
  const { metafile } = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    metafile: true,
    packages: "external",
    format: "esm",
    platform: "neutral",
    logLevel: "silent",
    loader: { ".wasm": "copy", ".txt": "text", ".md": "text", ".html": "text", ".css": "text" },
    outdir: folder,
    plugins: [
      {
        name: "leave the rest to the build",
        setup(build) {
          build.onResolve({ filter: /^[a-z][a-z0-9+.-]+:/i }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
  });
  const paths = Object.keys(metafile.inputs).map((path) => resolve(folder, path));
  const shared = sharedFolder([entry, ...paths]);
  const files = paths.map((file) => ({ path: inside(shared, file), file }));
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    entry: inside(shared, entry),
    folder: shared,
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
