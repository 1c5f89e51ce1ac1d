import { randomUUID } from "node:crypto";
import { constants, copyFile, link, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Ends the names of files that are not finished. */
export const UNFINISHED = ".unfinished";

/** Clocks of file systems are coarse. */
export const CLOCK_MS = 2_000;

/** Errors of systems and of file systems on which a file cannot have a second name there. */
const NO_LINK = new Set(["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** Replaces a file: readers and a machine that loses its power find the old text or the new one. */
export async function writeDurably(file: string, text: string): Promise<void> {
  await replacing(file, (unfinished) => writeFile(unfinished, text, { flag: "wx", flush: true }));
}

/** Gives a finished file another name, or copies it to another disk. Keeps what has the name already. */
export async function addDurably(from: string, to: string): Promise<void> {
  await syncPath(from);
  try {
    await link(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (!NO_LINK.has(code)) throw error;
    await replacing(to, async (unfinished) => {
      await copyFile(from, unfinished, constants.COPYFILE_EXCL);
      await syncPath(unfinished);
    });
  }
}

/** Writes a file, or the names in a folder, to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function replacing(file: string, write: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = `${file}.${randomUUID()}${UNFINISHED}`;
  try {
    await write(unfinished);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncPath(dirname(file));
}
