import type { Files } from "../../archive.ts";
import { isObject, type JsonObject } from "../config/json-file.ts";
import { join } from "../paths.ts";

/** Conditions under which Deno resolves an import. */
const CONDITIONS = ["deno", "node", "import", "module-sync", "default"];
const MAIN_ENDINGS = ["", ".js", ".mjs", ".cjs", ".json", "/index.js", "/index.json"];

/**
 * Resolves an import of a package, as Node.js does.
 * @param subpath "." for the package itself, else "./" and the rest
 * @returns the path of the file; undefined if the package does not have it
 */
export function resolveExport(
  files: Files,
  { folder, manifest }: { readonly folder: string; readonly manifest: JsonObject },
  subpath: string,
): string | undefined {
  const { exports, main } = manifest;
  const find = (path: string, endings: readonly string[]) =>
    endings.map((ending) => join(folder, path.replace(/^\.\//, "")) + ending).find((each) => files.has(each));
  if (exports !== undefined && exports !== null) {
    const target = exported(exports, subpath);
    return target === undefined ? undefined : find(target, [""]);
  }
  if (subpath !== ".") return find(subpath, MAIN_ENDINGS);
  return (
    (typeof main === "string" ? find(main.replace(/\/$/, ""), MAIN_ENDINGS) : undefined) ??
    find("index", MAIN_ENDINGS)
  );
}

function exported(exports: unknown, subpath: string): string | undefined {
  const isSugar = !isObject(exports) || !Object.keys(exports).some((key) => key.startsWith("."));
  if (isSugar) return subpath === "." ? chosen(exports, "") : undefined;
  if (Object.hasOwn(exports, subpath)) return chosen(exports[subpath], "");
  const patterns = Object.keys(exports)
    .filter((key) => key.includes("*"))
    .map((key) => ({ key, before: key.slice(0, key.indexOf("*")), after: key.slice(key.indexOf("*") + 1) }))
    .sort((a, b) => b.before.length - a.before.length);
  const match = patterns.find(
    ({ before, after }) =>
      subpath.length > before.length + after.length && subpath.startsWith(before) && subpath.endsWith(after),
  );
  if (!match) return undefined;
  return chosen(exports[match.key], subpath.slice(match.before.length, subpath.length - match.after.length));
}

/** The target for the conditions of Deno. */
function chosen(target: unknown, star: string): string | undefined {
  if (typeof target === "string")
    return target.startsWith("./") ? target.replaceAll("*", () => star) : undefined;
  if (Array.isArray(target))
    return target.map((each) => chosen(each, star)).find((each) => each !== undefined);
  if (!isObject(target)) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    const found = CONDITIONS.includes(condition) ? chosen(value, star) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
