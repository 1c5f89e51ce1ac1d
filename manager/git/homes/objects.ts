import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { addDurably, syncPath } from "./durable-files.ts";

/** Git uses a pack as soon as it finds the `.idx`, so that one comes last. */
const PACK_FILE = /^pack-[0-9a-f]{40}\.(pack|rev|idx)$/;
const PACK = /^pack-([0-9a-f]{40})\.pack$/;
const PACK_ORDER = [".pack", ".rev", ".idx"];
const LOOSE_FOLDER = /^[0-9a-f]{2}$/;
const LOOSE_OBJECT = /^[0-9a-f]{38}$/;

export interface PackFile {
  /** The 40 digits in its name. */
  readonly id: string;
  readonly bytes: number;
}

/** Adds every object of a quarantine to a folder of objects. They stay in the quarantine too. Durable when it resolves. */
export async function addObjects(from: string, to: string): Promise<void> {
  const packs = (await namesIn(join(from, "pack"))).filter((name) => PACK_FILE.test(name));
  packs.sort((a, b) => placeOf(a) - placeOf(b));
  for (const name of packs) await addDurably(join(from, "pack", name), join(to, "pack", name));
  if (packs.length > 0) await syncPath(join(to, "pack"));
  for (const folder of (await namesIn(from)).filter((name) => LOOSE_FOLDER.test(name))) {
    const objects = (await namesIn(join(from, folder))).filter((name) => LOOSE_OBJECT.test(name));
    if (objects.length === 0) continue;
    await mkdir(join(to, folder), { recursive: true });
    for (const name of objects) await addDurably(join(from, folder, name), join(to, folder, name));
    await syncPath(join(to, folder));
  }
  await syncPath(to);
}

/** Writes the names of objects to the disk that git added after `since`. It writes their contents itself. */
export async function syncObjects(objects: string, since: Date): Promise<void> {
  // Clocks of file systems are coarse.
  const after = since.getTime() - 2000;
  const folders = (await readdir(objects)).filter((name) => LOOSE_FOLDER.test(name) || name === "pack");
  for (const folder of folders) {
    const path = join(objects, folder);
    if ((await stat(path)).mtimeMs >= after) await syncPath(path);
  }
  await syncPath(objects);
}

/** Lists the packs in a folder of objects that git can use: a killed program leaves some without their index. */
export async function packsIn(objects: string): Promise<readonly PackFile[]> {
  const folder = join(objects, "pack");
  const names = new Set(await namesIn(folder));
  const packs: PackFile[] = [];
  for (const name of names) {
    const id = PACK.exec(name)?.[1];
    if (id === undefined || !names.has(`pack-${id}.idx`)) continue;
    packs.push({ id, bytes: (await stat(join(folder, name))).size });
  }
  return packs;
}

function placeOf(name: string): number {
  return PACK_ORDER.indexOf(name.slice(name.lastIndexOf(".")));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
