import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, matchesGlob, relative } from "node:path";
import { UsageError } from "../usage-error.ts";

/** Never part of a source: packages are installed by the build. */
const LEFT_OUT = new Set(["node_modules", ".git", ".DS_Store", ".skiff"]);
/** `.env`, `.env.local` and the like have secrets. `.env.example` has none. */
const ENV_FILE = /^\.env(?!\.(example|sample|template)$)(\..+)?$/;
const IGNORE_FILE = ".skiffignore";
const MOST_FILES = 20_000;

export interface SourceFile {
  /** Path in the source, with `/`. */
  readonly path: string;
  /** Path on this machine. */
  readonly file: string;
}

export interface FolderFiles {
  readonly files: readonly SourceFile[];
  /** The folders that they are in, links included. */
  readonly folders: readonly string[];
}

/**
 * Lists the files of a folder in the order of their paths. A link counts as what it leads to. `.skiffignore` has a
 * pattern on each line of what stays out.
 */
export function folderFiles(folder: string): FolderFiles {
  const patterns = ignorePatterns(folder);
  const isIgnored = (path: string) => patterns.some((pattern) => matchesGlob(path, pattern));
  const found: SourceFile[] = [];
  const folders: string[] = [];
  // Real paths of the folders above, so that a link to one of them ends.
  const visit = (current: string, above: readonly string[]) => {
    const real = realpathSync(current);
    if (above.includes(real)) return;
    folders.push(real);
    for (const name of readdirSync(current)) {
      const file = join(current, name);
      const path = relative(folder, file).replaceAll("\\", "/");
      if (LEFT_OUT.has(name) || ENV_FILE.test(name) || isIgnored(path)) continue;
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined)
        throw new UsageError(`${file} leads nowhere: remove the link, or list it in ${IGNORE_FILE}.`);
      if (stat.isDirectory()) visit(file, [...above, real]);
      else if (stat.isFile()) {
        found.push({ path, file });
        folders.push(dirname(realpathSync(file)));
      }
      if (found.length > MOST_FILES) {
        throw new UsageError(
          `${folder} has over ${MOST_FILES} files: list what the function does not need in ${IGNORE_FILE}.`,
        );
      }
    }
  };
  visit(folder, []);
  return { files: found.sort((a, b) => (a.path < b.path ? -1 : 1)), folders: [...new Set(folders)] };
}

function ignorePatterns(folder: string): string[] {
  const file = join(folder, IGNORE_FILE);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return [
    IGNORE_FILE,
    ...lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#")),
  ].map((line) => line.replace(/^\/|\/$/g, ""));
}
