import type { Files } from "../../archive.ts";
import { isObject, readJson } from "../config/json-file.ts";
import { join } from "../paths.ts";

const KEYS = ["dependencies", "devDependencies", "optionalDependencies"];
const VERSION = /^\d+\.\d+\.\d+[\w.+-]*$/;

/**
 * Returns the version that the package-lock.json of a folder has chosen for a dependency of its package.json, or what
 * was wanted if it has chosen none. What packages depend on themselves is resolved anew.
 * @throws Problem `invalid_source` if the file is not JSON
 */
export function lockedVersions(files: Files, folder: string): (name: string, wanted: string) => string {
  const packages = readJson(files, join(folder, "package-lock.json"))?.packages;
  if (!isObject(packages)) return (_, wanted) => wanted;
  const { "": root } = packages;
  const lockedFor = (name: string) =>
    KEYS.map((key) => (isObject(root) && isObject(root[key]) ? root[key][name] : undefined));
  return (name, wanted) => {
    const chosen = packages[`node_modules/${name}`];
    // Like npm, an entry of another requirement counts for nothing.
    const isCurrent = isObject(chosen) && lockedFor(name).includes(wanted);
    if (!isCurrent || typeof chosen.version !== "string" || !VERSION.test(chosen.version)) return wanted;
    const [, alias = ""] = /^(npm:@?[^@]+)/.exec(wanted) ?? [];
    return alias === "" ? chosen.version : `${alias}@${chosen.version}`;
  };
}
