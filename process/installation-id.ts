import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Names this installation in a store that others use too, also after a restart. Its data folder has the name. */
export function installationId(dataFolder: string): string {
  const file = join(dataFolder, "engine-id");
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const id = randomBytes(8).toString("hex");
  // Whole or not at all: an empty name would be that of every installation that crashed here.
  writeFileSync(`${file}.new`, id, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return id;
}
