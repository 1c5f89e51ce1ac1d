import type { Files } from "../archive.ts";
import type { Imports } from "./config/import-map.ts";
import { sourceAt } from "./config/tsconfig-paths.ts";
import { folderOf, resolvePath } from "./paths.ts";
import type { Sources } from "./sources.ts";

/** The sources that the main module leads to by imports with literal specifiers. */
export function reachableSources(
  files: Files,
  sources: Sources,
  { entry, imports }: { readonly entry: string; readonly imports: Imports },
): Map<string, string> {
  const reached = new Map<string, string>();
  const prefixes = Object.keys(imports)
    .filter((key) => key.endsWith("/"))
    .sort((a, b) => b.length - a.length);
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const text = sources.texts.get(path);
    if (text === undefined || reached.has(path)) continue;
    reached.set(path, text);
    for (const specifier of sources.stringsOf(path)) {
      const target = targetOf(specifier, { folder: folderOf(path), imports, prefixes });
      const found = target === undefined ? undefined : sourceAt(files, target);
      if (found !== undefined) waiting.push(found);
    }
  }
  return reached;
}

interface Place {
  readonly folder: string;
  readonly imports: Imports;
  readonly prefixes: readonly string[];
}

/** The path that a specifier means in a folder; undefined if it is none of the project. */
function targetOf(specifier: string, { folder, imports, prefixes }: Place): string | undefined {
  if (specifier.startsWith(".")) return resolvePath(folder, specifier);
  const prefix = prefixes.find((each) => specifier.startsWith(each));
  const mapped = Object.hasOwn(imports, specifier)
    ? imports[specifier]
    : prefix !== undefined
      ? `${imports[prefix]}${specifier.slice(prefix.length)}`
      : undefined;
  return mapped?.startsWith("./") ? resolvePath("", mapped) : undefined;
}
