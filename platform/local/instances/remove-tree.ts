import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { chmod, opendir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** Files that are removed at a time: more would keep others from the disk. */
const AT_A_TIME = 32;
/** Some file systems skip entries when others are removed while a folder is read. */
const PASSES = 5;
/** Folders with longer paths are moved to the top before they are removed. */
const MOVED_FROM_BYTES = 1_000;

/** Removes a folder at once, also if the function took the rights to folders in it away. */
export function removeTreeSync(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    openFolders(path);
    rmSync(path, { recursive: true, force: true });
  }
}

/** The same in small pieces: everything else goes on, however many files a function has left. */
export async function removeTree(path: string): Promise<void> {
  await removeFolder(path, path);
}

async function removeFolder(path: string, root: string): Promise<void> {
  for (let pass = 1; ; pass++) {
    try {
      await chmod(path, 0o700);
      // After it was read: what is nested deeply must not hold a descriptor for every level.
      for (const folder of await removeFiles(path)) {
        await removeFolder(await within(join(path, folder), root), root);
      }
      return await rmdir(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "ENOTEMPTY" || pass === PASSES) throw error;
    }
  }
}

/** Where a folder can be reached: the longest path is shorter than folders can be deep. */
async function within(path: string, root: string): Promise<string> {
  if (Buffer.byteLength(path) <= MOVED_FROM_BYTES) return path;
  const near = join(root, randomBytes(12).toString("hex"));
  await chmod(path, 0o700);
  await rename(path, near);
  return near;
}

/** Names of the folders, which stay. */
async function removeFiles(path: string): Promise<readonly string[]> {
  const folders: string[] = [];
  let removing: Promise<void>[] = [];
  for await (const entry of await opendir(path)) {
    // A link is no directory here: what it leads to is not touched.
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
