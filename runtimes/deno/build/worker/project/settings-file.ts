import { Problem } from "../../../../../platform/problems.ts";
import type { JsonObject } from "./config/json-file.ts";
import { parseYaml } from "./yaml.ts";

export const SETTINGS_FILES: readonly string[] = ["skiff.yaml", "skiff.yml"];

/**
 * Takes the file with the settings of the function out of the files; undefined if there is none. It may hold secrets, so no
 * instance gets it.
 * @throws Problem `invalid_source` if it is no YAML with an object
 */
export function takeSettings(files: Map<string, Uint8Array>): JsonObject | undefined {
  const name = onlyFile(files, SETTINGS_FILES);
  if (name === undefined) return undefined;
  const { value } = parseYaml(name, files.get(name)!);
  files.delete(name);
  return value;
}

/** Returns the one of the names that is there. @throws Problem `invalid_source` if there are two */
export function onlyFile(
  files: ReadonlyMap<string, Uint8Array>,
  names: readonly string[],
): string | undefined {
  const [name, second] = names.filter((each) => files.has(each));
  if (second === undefined) return name;
  throw new Problem("invalid_source", `${name} and ${second} are both there; keep one of them.`);
}
