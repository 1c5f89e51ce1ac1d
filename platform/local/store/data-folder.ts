import { mkdirSync, realpathSync } from "node:fs";
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

/** For code that Deno has compiled, which makes starts faster. */
export function makeDenoDir(dataFolder: string): string {
  const path = join(dataFolder, "deno");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
