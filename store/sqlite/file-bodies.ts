import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bodies, StoredBody } from "../bodies.ts";
import { countedParts } from "../sql/bodies/counted-parts.ts";
import type { RunWork } from "../sql/works.ts";
import { toUnavailable } from "./failure.ts";

export interface FileBodiesOptions {
  readonly folder: string;
  readonly run: RunWork;
}

/** The end of the name of a file that is not complete. */
const NEW = ".new";

/** Long bodies in files of a folder. A row for each counts its references. */
export class FileBodies implements Bodies {
  readonly #folder: string;
  readonly #run: RunWork;
  #isSwept = false;

  constructor({ folder, run }: FileBodiesOptions) {
    this.#folder = folder;
    this.#run = run;
  }

  async write(parts: AsyncIterable<Uint8Array>, mostBytes: number): Promise<StoredBody> {
    const id = randomUUID().replaceAll("-", "");
    const path = this.#pathOf(id);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const bytes = await writeFile(`${path}${NEW}`, countedParts(parts, mostBytes));
      await rename(`${path}${NEW}`, path);
      await syncFolder(this.#folder);
      await this.#run("addBody", id, bytes, new Date());
      return { id, bytes };
    } catch (error) {
      await Promise.all([path, `${path}${NEW}`].map((file) => rm(file, { force: true })));
      throw toUnavailable(error);
    }
  }

  async *read(body: StoredBody): AsyncGenerator<Uint8Array> {
    if ("inline" in body) return yield body.inline;
    try {
      yield* createReadStream(this.#pathOf(body.id)) as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw toUnavailable(error);
    }
  }

  async remove(body: StoredBody): Promise<void> {
    if ("inline" in body) return;
    for (const id of await this.#run("removeBody", body.id)) await rm(this.#pathOf(id), { force: true });
  }

  /** Removes a batch of what nothing refers to. Returns whether more may be left. */
  async removeOld(now: Date): Promise<boolean> {
    if (!this.#isSwept) await this.#sweep(now);
    const ids = await this.#run("removeUnusedBodies", now);
    await Promise.all(ids.map((id) => rm(this.#pathOf(id), { force: true })));
    return ids.length > 0;
  }

  /** Removes files that a Skiff which was killed left without a row. */
  async #sweep(now: Date): Promise<void> {
    const names = await readdir(this.#folder).catch(ignoreMissing);
    const known = new Set(await this.#run("knownBodies", names));
    for (const name of names.filter((name) => !known.has(name))) {
      const file = join(this.#folder, name);
      // A younger one may be about to get its row.
      if (now.getTime() - (await stat(file)).mtimeMs > 3_600_000) await rm(file, { force: true });
    }
    this.#isSwept = true;
  }

  #pathOf(id: string): string {
    return join(this.#folder, id);
  }
}

/** Returns the number of bytes, which are on the disk then. */
async function writeFile(path: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, "wx", 0o600);
  try {
    let bytes = 0;
    for await (const part of parts) {
      await writeAll(file, part);
      bytes += part.byteLength;
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, part: Uint8Array): Promise<void> {
  for (let at = 0; at < part.byteLength; ) at += (await file.write(part, at)).bytesWritten;
}

/** The new name is on the disk then. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
