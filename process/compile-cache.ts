import { mkdirSync, statSync } from "node:fs";
import { constants, enableCompileCache, getCompileCacheDir } from "node:module";

/**
 * Keeps what Node compiles of modules that are loaded from now on in the first of these folders that only this user can
 * write. A later start then neither removes types nor compiles, and threads take part. Without a usable folder nothing
 * changes. A folder that `NODE_COMPILE_CACHE` names is used as it is.
 */
export function keepCompiled(folders: readonly string[]): void {
  const folder = folders.find(isOwn);
  if (folder === undefined || getCompileCacheDir() !== undefined) return;
  const { status } = enableCompileCache(folder);
  // Threads and routers of their own read it there.
  if (status === constants.compileCacheStatus.ENABLED) process.env.NODE_COMPILE_CACHE = folder;
}

/** Makes the folder if it does not exist. Returns false if that fails, or if others could put code into it. */
function isOwn(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = statSync(folder);
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
