import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { chmod, opendir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** Files removed at a time. More would keep others from the disk. */
const AT_A_TIME = 32;
/** Some file systems skip entries when others are removed while a folder is read. */
const PASSES = 5;
/** Folders with longer paths are moved to the top before they are removed. */
const MOVED_FROM_BYTES = 1_000;

/** Removes a folder at once, even if the function removed permissions in it. */
export function removeTreeSync(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    openFolders(path);
    rmSync(path, { recursive: true, force: true });
  }
}

/** Removes a folder in small steps, so that any number of files blocks nothing. `root` is for subfolders. */
export async function removeTree(path: string, root = path): Promise<void> {
  for (let pass = 1; ; pass++) {
    try {
      await chmod(path, 0o700);
      // After the folder was read, so that deep nesting holds one descriptor.
      for (const folder of await removeFiles(path)) {
        await removeTree(await within(join(path, folder), root), root);
      }
      return await rmdir(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "ENOTEMPTY" || pass === PASSES) throw error;
    }
  }
}

/** Moves a folder with a long path to the top, because nesting can exceed the longest path. */
async function within(path: string, root: string): Promise<string> {
  if (Buffer.byteLength(path) <= MOVED_FROM_BYTES) return path;
  const near = join(root, randomBytes(12).toString("hex"));
  await chmod(path, 0o700);
  await rename(path, near);
  return near;
}

/** Removes the files. Returns the names of the folders. */
async function removeFiles(path: string): Promise<readonly string[]> {
  const folders: string[] = [];
  let removing: Promise<void>[] = [];
  for await (const entry of await opendir(path)) {
    // A link to a directory counts as a file, so its target stays.
    if (entry.isDirectory()) folders.push(entry.name);
    else removing.push(rm(join(path, entry.name), { force: true }));
    if (removing.length < AT_A_TIME) continue;
    await Promise.all(removing);
    removing = [];
  }
  await Promise.all(removing);
  return folders;
}

function openFolders(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openFolders(join(path, entry.name));
  }
}
