import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Semaphore } from "../../../../process/semaphore.ts";
import type { Repositories, StoredRepository } from "../../../../store/git/repositories.ts";
import type { Git } from "../../program/git.ts";
import type { CommitId } from "../../repository.ts";
import { initRepository, looseRef, packedRefs, refFiles, setHead } from "../bare-repository.ts";
import { removePack } from "../drop-unnamed.ts";
import { writeDurably } from "../files/durable-files.ts";
import { packsIn } from "../objects.ts";

/** Packs that are fetched at a time. */
const AT_ONCE = 4;

/** What a refresh needs besides the folder. */
export interface RefreshMeans {
  readonly git: Git;
  readonly repositories: Pick<Repositories, "readPack">;
}

/**
 * Brings the folder of a repository to what its row says. A reader finds each ref as it was or as it is meanwhile,
 * and the objects of both.
 * @param branch the branch that deploys
 */
export async function refreshCopy(
  path: string,
  { row, branch }: { readonly row: StoredRepository; readonly branch: string },
  means: RefreshMeans,
): Promise<void> {
  await initRepository(path, branch);
  const objects = join(path, "objects");
  const kept = new Set(row.packs.map(({ id }) => id));
  const present = new Set((await packsIn(objects)).map(({ id }) => id));
  const places = new Semaphore({ places: AT_ONCE });
  const missing = row.packs.filter(({ id }) => !present.has(id));
  const fetched = missing.map(({ id }) => places.run(() => fetchPack(path, { name: row.name, id }, means)));
  // None may still write when this has failed.
  await Promise.allSettled(fetched);
  await Promise.all(fetched);
  await writeRefs(path, row.refs);
  await setHead(path, branch);
  // Another manager packed them again, or a change that had them failed.
  for (const id of present) if (!kept.has(id)) await removePack(objects, id);
}

/** Sets all refs of a folder, and no others. */
export async function writeRefs(path: string, refs: Readonly<Record<string, CommitId>>): Promise<void> {
  const lines = Object.entries(refs).map(([ref, id]) => `${id} ${ref}\n`);
  await writeDurably(join(path, "packed-refs"), lines.join(""));
  // A ref in a file of its own counts more than a packed one.
  for (const name of await refFiles(path)) await rm(join(path, name), { force: true });
}

/** Whether a folder has the refs of a row. */
export async function hasRefs(path: string, refs: Readonly<Record<string, CommitId>>): Promise<boolean> {
  const packed = await packedRefs(path);
  for (const [ref, id] of Object.entries(refs)) {
    if (((await looseRef(path, ref)) ?? packed.get(ref)) !== id) return false;
  }
  return true;
}

/** Git checks what arrives: each object by its id, and the pack by its name. */
async function fetchPack(
  path: string,
  { name, id }: { readonly name: string; readonly id: string },
  { git, repositories }: RefreshMeans,
): Promise<void> {
  let failure: unknown;
  async function* parts() {
    try {
      yield* repositories.readPack(name, id);
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const { stdin, stdout, ended } = git.start(["index-pack", "--stdin"], { repository: path });
  const printed = stdout.toArray();
  // Git ends without its input, and says why if it ends before that.
  await pipeline(Readable.from(parts()), stdin).catch(() => {});
  await ended.catch((error) => {
    throw failure ?? error;
  });
  const found = Buffer.concat((await printed) as Buffer[]).toString();
  if (found.trim() !== `pack\t${id}`)
    throw new Error(`the store has another pack as ${id} of ${name}: ${found}`);
}
