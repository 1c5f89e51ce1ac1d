import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes it if it does not exist, and gives its real path: Deno's permissions are about what a path resolves to.
 * @throws Error in words for the person who chose it, when it cannot be used
 */
export function makeDataFolder(dataFolder: string): string {
  const path = makeFolder(dataFolder);
  if (!path.includes(",")) return path;
  throw new Error(
    `The data folder ${path} has a comma in its path, which cannot be part of a Deno permission; choose another.`,
  );
}

function makeFolder(dataFolder: string): string {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    return realpathSync(dataFolder);
  } catch (error) {
    const why = `cannot be used: ${(error as Error).message}`;
    throw new Error(`${dataFolder} ${why}; mend it, or choose another folder with --data.`, { cause: error });
  }
}

/**
 * Deno keeps its compiled code here, which makes starts faster. It would also keep what functions put into
 * the Cache API and localStorage, in one place for all of them: a file in the place of that folder keeps it
 * from doing so, in workers as well.
 */
export function makeDenoDir(dataFolder: string): string {
  const path = join(dataFolder, "deno");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  rmSync(join(path, "location_data"), { recursive: true, force: true });
  writeFileSync(join(path, "location_data"), "");
  return path;
}
