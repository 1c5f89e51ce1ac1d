import { Problem } from "../../../../../platform/problems.ts";

/** Endings that Deno tries for an import without one, in its order. */
export const SOURCE_ENDINGS = ["ts", "tsx", "mts", "js", "jsx", "mjs", "cjs", "cts"] as const;

const SOURCE = new RegExp(`\\.(${SOURCE_ENDINGS.join("|")})$`);

export function isSource(path: string): boolean {
  return SOURCE.test(path) && !isInstalled(path);
}

/** Whether the file belongs to a package. */
export function isInstalled(path: string): boolean {
  return path.startsWith("node_modules/") || path.includes("/node_modules/");
}

/** The folder of a file, "" for the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The folder and those around it, up to the root (""). */
export function foldersUp(folder: string): string[] {
  const parts = folder === "" ? [] : folder.split("/");
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join("/")), ""];
}

export function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Resolves a relative path; undefined if it leaves the root. A "/" at its end is kept. */
export function resolvePath(folder: string, relative: string): string | undefined {
  const parts = folder === "" ? [] : folder.split("/");
  for (const part of relative.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  const path = parts.join("/");
  return relative.endsWith("/") && path !== "" ? `${path}/` : path;
}

/**
 * Resolves a relative path in a configuration file, which `where` names for the error.
 * @throws Problem `invalid_source` if the path is absolute or leaves the root
 */
export function pathInside(folder: string, relative: string, where: string): string {
  const outside = /^(file:|\/|[a-z]:[\\/])/i.test(relative);
  const path = outside ? undefined : resolvePath(folder, relative);
  if (path !== undefined) return path;
  throw new Problem(
    "invalid_source",
    `${where}: ${quote(relative)} leaves the source; only files of the source can be named.`,
  );
}

export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** Names a few of the texts. */
export function listSome(texts: readonly string[]): string {
  const some = texts.slice(0, 5).map((text) => text.slice(0, 100));
  return some.join(", ") + (texts.length > some.length ? ` and ${texts.length - some.length} more` : "");
}
