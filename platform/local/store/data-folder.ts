import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes the data folder if it does not exist. Returns its real path, because Deno's permissions apply to real paths.
 * @throws Error with advice for the operator if it cannot be used
 */
export function makeDataFolder(dataFolder: string): string {
  let path: string;
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    path = realpathSync(dataFolder);
  } catch (error) {
    const why = `cannot be used: ${(error as Error).message}`;
    throw new Error(`${dataFolder} ${why}; repair it, or choose another folder with --data.`, {
      cause: error,
    });
  }
  if (!path.includes(",")) return path;
  const why = "has a comma in its path, which cannot be part of a Deno permission";
  throw new Error(`The data folder ${path} ${why}; choose another folder with --data.`);
}

/** Makes the folder for compiled code, which makes starts faster. */
export function makeDenoDir(dataFolder: string): string {
  const path = join(dataFolder, "deno");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
