import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { addDurably, CLOCK_MS, syncPath } from "./files/durable-files.ts";
import { namesIn } from "./files/repository-folders.ts";

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
  const loose = await looseIn(from);
  const folders = new Set(loose.map((id) => dirname(loosePath(to, id))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const id of loose) await addDurably(loosePath(from, id), loosePath(to, id));
  for (const folder of folders) await syncPath(folder);
  await syncPath(to);
}

/** Writes the names of objects to the disk that git added after `since`. It writes their contents itself. */
export async function syncObjects(objects: string, since: Date): Promise<void> {
  const after = since.getTime() - CLOCK_MS;
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
    const found = await stat(join(folder, name)).catch(unlessGone);
    if (found !== undefined) packs.push({ id, bytes: found.size });
  }
  return packs;
}

/** Git removes packs when it has packed their objects again. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Returns the sum of the bytes of packs. */
export function bytesOf(packs: readonly Pick<PackFile, "bytes">[]): number {
  return packs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Lists the ids of the objects in a folder of objects that are in no pack. */
export async function looseIn(objects: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const folder of (await readdir(objects)).filter((name) => LOOSE_FOLDER.test(name))) {
    const names = (await namesIn(join(objects, folder))).filter((name) => LOOSE_OBJECT.test(name));
    ids.push(...names.map((name) => folder + name));
  }
  return ids;
}

/** Returns the file of an object that is in no pack. */
export function loosePath(objects: string, id: string): string {
  return join(objects, id.slice(0, 2), id.slice(2));
}

function placeOf(name: string): number {
  return PACK_ORDER.indexOf(name.slice(name.lastIndexOf(".")));
}
