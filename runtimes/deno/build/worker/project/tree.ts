import type { Files } from "../archive.ts";

/** What tools leave in an archive and no function needs. */
const NEVER = /(^|\/)(\.git|__MACOSX)\/|(^|\/)(\.DS_Store|\._[^/]*)$|(^|\/)node_modules\/\.(bin|cache)\//;

/** Removes what never belongs to a function, and the folder around everything. */
export function tidyTree(posted: Files): Map<string, Uint8Array> {
  const kept = [...posted].filter(([path]) => !NEVER.test(path));
  const top = topFolder(kept.map(([path]) => path));
  return new Map(kept.map(([path, bytes]) => [path.slice(top.length), bytes]));
}

/** The folders that hold all files, with "/" at the end. `src` and `node_modules` have a meaning where they are. */
function topFolder(paths: readonly string[]): string {
  let top = "";
  for (;;) {
    const [first = ""] = paths;
    const slash = first.indexOf("/", top.length);
    if (slash < 0) return top;
    const folder = first.slice(0, slash + 1);
    const name = folder.slice(top.length, -1);
    if (name === "src" || name === "node_modules" || !paths.every((path) => path.startsWith(folder)))
      return top;
    top = folder;
  }
}
