import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import {
  chown,
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RuntimeFiles } from "../runtime.ts";

/** What Deno keeps of code that it compiled: SQLite files, and while they are in use their logs (WAL). */
const DATABASES = ["v8_code_cache_v2", "dep_analysis_cache_v2", "node_analysis_cache_v2"];
const FILES = DATABASES.flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
/** Says that a folder has all that it will have, and what it is for. */
const COMPLETE = "complete";
/** Below it compiling takes less than what a cache of its own costs. */
const BUNDLE_FROM_BYTES = 64 * 1024;
/** Largest cache that is kept of a version. */
const MOST_BYTES = 8 * 1024 ** 2;
/** Of all versions together; the oldest go first. They are made anew, so none outlives Skiff. */
const MOST_TOTAL_BYTES = 256 * 1024 ** 2;
/** Deno writes what it compiled when a module has run, in the background. */
export const WRITTEN_AFTER_MS = 2_000;
/** Room that the caches of an instance have in its folder in memory. */
export const CACHE_BYTES = MOST_BYTES + 1024 ** 2;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Name of the cache's folder in the folder in memory of a sandbox. */
export const CACHE_FOLDER = "deno";
/** Deno keeps what functions put into the Cache API and localStorage in a folder of this name: a file prevents that. */
const LOCATION_DATA = "location_data";

/** Imports what functions often do, which Deno compiles when it is imported first. */
export const WARM_MODULE = `for (const name of ${JSON.stringify(
  builtinModules.filter((name) => !name.startsWith("_") && !name.includes(":")),
)}) await import("node:" + name).catch(() => {});
export default () => new Response("warm");
`;

/** A sandbox that has a folder in memory, and the user whose files those in it are. */
export interface CachePlace {
  readonly sandbox: {
    readonly isEnded: boolean;
    readonly workPath: string;
    signal(name: NodeJS.Signals): void;
  };
  readonly user: number;
}

/** The cache of one instance. */
export interface ProvidedCache {
  /** The instance is about to be ready. */
  listening(): void;
  /** Resolves when nothing of the instance is read any more. */
  close(): Promise<void>;
}

/** A cache that nothing is taken from. */
export const UNKEPT: ProvidedCache = { listening: () => {}, close: async () => {} };

/**
 * Compiled code, which makes starts faster, where no function can write it for another. Every sandbox gets a copy of
 * what all share, which a program of ours has compiled (`keep`). A version with much code has a copy of its own besides:
 * an instance of that version compiles it, and others of it alone get it.
 */
export class CodeCache {
  readonly #shared: string;
  readonly #key: string;
  readonly #underWay = new Set<string>();
  /** Sizes of those of versions, the oldest first. */
  readonly #kept = new Map<string, number>();

  /** `folder` is for what all share; `key` names what that is compiled from and by. */
  constructor(folder: string, key: string) {
    this.#shared = folder;
    this.#key = key;
    const stamp = join(folder, COMPLETE);
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
    // Of another version of Deno, or of a Skiff whose functions wrote here.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** A cache of what this runtime compiles. */
  static open(folder: string, { binary, program }: RuntimeFiles): CodeCache {
    const { size, mtimeMs } = statSync(binary);
    const key = createHash("sha256").update(`${size} ${mtimeMs}`).update(readFileSync(program));
    return new CodeCache(folder, key.digest("hex"));
  }

  get isWarm(): boolean {
    return existsSync(join(this.#shared, COMPLETE));
  }

  /**
   * Makes a folder that instances without sandboxes write to, and so share. No sandbox gets a copy of it, and it lasts
   * as long as Skiff runs.
   */
  openWritable(): string {
    const folder = join(this.#shared, "shared");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, LOCATION_DATA), "");
    return folder;
  }

  /** Puts what all share into a new sandbox. */
  async seed({ sandbox, user }: CachePlace): Promise<void> {
    const folder = join(sandbox.workPath, CACHE_FOLDER);
    await mkdir(folder, { mode: 0o700 });
    const names = this.isWarm ? DATABASES : [];
    for (const name of names) await copyFile(join(this.#shared, name), join(folder, name));
    await writeFile(join(folder, LOCATION_DATA), "");
    if (process.getuid?.() !== 0) return;
    for (const path of [folder, ...names.map((name) => join(folder, name))]) await chown(path, user, user);
  }

  /** Takes over what an instance of our own program has compiled, for all. */
  async keep(prepared: CachePlace): Promise<void> {
    if ((await copyOut(prepared, this.#shared)) === 0) return;
    for (const name of DATABASES) compact(join(this.#shared, name));
    await writeFile(join(this.#shared, COMPLETE), this.#key, { mode: 0o600 });
  }

  /** Gives an instance what others of its version compiled, or takes it from the first. */
  async provide(bundle: string, prepared: CachePlace): Promise<ProvidedCache> {
    if (statSync(bundle).size < BUNDLE_FROM_BYTES) return UNKEPT;
    const own = join(dirname(bundle), "deno");
    if (existsSync(join(own, COMPLETE))) {
      await copyIn(own, prepared);
      return UNKEPT;
    }
    // One instance is enough; those that start meanwhile compile for themselves.
    if (this.#underWay.has(own)) return UNKEPT;
    this.#underWay.add(own);
    let timer: NodeJS.Timeout | undefined;
    let keeping: Promise<unknown> | undefined;
    const done = () => this.#underWay.delete(own);
    const listening = () => {
      timer = setTimeout(() => {
        // The disk is full, the version was removed, or the instance ended: the next one compiles again.
        keeping = this.#keepOwn(prepared, own).then(done, done);
      }, WRITTEN_AFTER_MS);
      timer.unref();
    };
    const close = async () => {
      clearTimeout(timer);
      await keeping;
      done();
    };
    return { listening, close };
  }

  async #keepOwn(prepared: CachePlace, own: string): Promise<void> {
    const bytes = await copyOut(prepared, own);
    if (bytes === 0) return;
    await writeFile(join(own, COMPLETE), "", { mode: 0o600 });
    this.#kept.set(own, bytes);
    let total = [...this.#kept.values()].reduce((sum, each) => sum + each, 0);
    for (const [oldest, size] of [...this.#kept]) {
      if (total <= MOST_TOTAL_BYTES) return;
      this.#kept.delete(oldest);
      total -= size;
      await removeWhole(oldest);
    }
  }
}

/** Whoever copies from it has all of it or an error. */
async function removeWhole(folder: string): Promise<void> {
  try {
    await rename(folder, `${folder}.old`);
  } catch (error) {
    // It went with its version.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await rm(`${folder}.old`, { recursive: true, force: true });
}

/** No code of a function runs yet in the sandbox. What cannot be copied is compiled again. */
async function copyIn(own: string, { sandbox, user }: CachePlace): Promise<void> {
  const folder = join(sandbox.workPath, CACHE_FOLDER);
  try {
    for (const name of (await readdir(own)).filter((each) => each !== COMPLETE)) {
      const path = join(folder, name);
      await copyFile(join(own, name), path);
      if (process.getuid?.() === 0) await chown(path, user, user);
    }
  } catch {
    // A part of it fits nothing.
    await Promise.allSettled(FILES.map((name) => rm(join(folder, name), { force: true })));
  }
}

/** One file without a log, as small as it can be. Only for what a program of ours wrote. */
function compact(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/**
 * Copies what an instance has compiled. Whatever stands in the place of the files is the function's to choose: only
 * regular files of the folder itself are taken, of a bounded size. The instance stands still meanwhile, so that the
 * files fit each other. Gives the bytes that were taken; 0 if there was nothing to take.
 */
async function copyOut({ sandbox }: CachePlace, into: string): Promise<number> {
  if (sandbox.isEnded) return 0;
  const contents = await readStill(sandbox);
  if (contents.length === 0) return 0;
  // Not the folders above it: they go with the version.
  if (!existsSync(into)) await mkdir(into, { mode: 0o700 });
  for (const { name, bytes } of contents) {
    await writeFile(join(into, `${name}.part`), bytes, { mode: 0o600 });
    await rename(join(into, `${name}.part`), join(into, name));
  }
  return contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

interface Content {
  readonly name: string;
  readonly bytes: Buffer;
}

async function readStill(sandbox: CachePlace["sandbox"]): Promise<Content[]> {
  let folder: number | undefined;
  sandbox.signal("SIGSTOP");
  try {
    // At once: when the sandbox is closed, its path may be another's. The descriptor of the folder stays its own.
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    folder = await unlessAbsent(() => openSync(join(sandbox.workPath, CACHE_FOLDER), flags));
    return folder === undefined ? [] : await readAll(folder);
  } finally {
    sandbox.signal("SIGCONT");
    if (folder !== undefined) closeSync(folder);
  }
}

async function readAll(folder: number): Promise<Content[]> {
  const contents: Content[] = [];
  let total = 0;
  for (const name of FILES) {
    const path = `/proc/self/fd/${folder}/${name}`;
    const file = await unlessAbsent(() => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (file === undefined) continue;
    try {
      const stat = await file.stat();
      total += stat.size;
      if (!stat.isFile() || total > MOST_BYTES) return [];
      contents.push({ name, bytes: await readUpTo(file, stat.size) });
    } finally {
      await file.close();
    }
  }
  return contents;
}

async function readUpTo(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

/** Undefined where there is nothing of that kind. */
async function unlessAbsent<T>(open: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (["ENOENT", "ELOOP", "ENOTDIR", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}
