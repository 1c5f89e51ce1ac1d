import type { ManifestFile } from "../../../../runtime.ts";
import { onlyFile, SETTINGS_FILES } from "./settings-file.ts";
import { parseYaml } from "./yaml.ts";

/** The file of Kubefuncs, read where no file of Skiff is. */
const FORMER = "functions.yaml";

/**
 * Reads the manifest at the root of a folder; undefined if there is none.
 * @throws Problem `invalid_source` if it is no YAML with an object
 */
export function readManifest(files: ReadonlyMap<string, Uint8Array>): ManifestFile | undefined {
  const file = onlyFile(files, SETTINGS_FILES) ?? onlyFile(files, [FORMER]);
  if (file === undefined) return undefined;
  const { text, value, places } = parseYaml(file, files.get(file)!);
  return { file, text, value, places: places() };
}
