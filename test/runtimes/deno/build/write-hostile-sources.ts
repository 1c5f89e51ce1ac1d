/**
 * Run as `node write-hostile-sources.ts FOLDER`: writes every hostile source to a file, in a process of its own, so
 * that the one which measures has nothing to clean up.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ALL_HOSTILE } from "./hostile-sources.ts";

const [folder = ""] = process.argv.slice(2);
for (const [kind, sources] of Object.entries(ALL_HOSTILE)) {
  for (const [index, make] of Object.values(sources).entries()) {
    await writeFile(join(folder, `${kind}-${index}`), await make());
  }
}
