import { join } from "../paths.ts";
import { encodeJson, isObject, type JsonObject, readJson } from "./json-file.ts";

const LOCK = "deno.lock";

/**
 * Puts the lock where Deno looks for it: beside the generated configuration. Deno downloads a package from the URL that the
 * lock names for its archive, which could be a host of the operator's network, so it finds these URLs in the registry instead.
 * @param folder of the posted deno.json
 * @throws Problem `invalid_source` if it is not JSON
 */
export function moveLock(files: Map<string, Uint8Array>, folder: string): void {
  const lock = readJson(files, join(folder, LOCK)) ?? readJson(files, LOCK);
  if (lock === undefined) return;
  const { npm } = lock;
  files.set(LOCK, encodeJson(isObject(npm) ? { ...lock, npm: withoutArchives(npm) } : lock));
}

function withoutArchives(packages: JsonObject): JsonObject {
  const entries = Object.entries(packages).map(([key, entry]) => {
    if (!isObject(entry)) return [key, entry];
    const { tarball: _, ...kept } = entry;
    return [key, kept];
  });
  return Object.fromEntries(entries);
}
