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
import type { RuntimeFiles } from "../runtime.ts";

/** Deno's caches of compiled code: SQLite files, with their logs (WAL) while they are in use. */
const DATABASES = ["v8_code_cache_v2", "dep_analysis_cache_v2", "node_analysis_cache_v2"];
const FILES = DATABASES.flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
/** Marks a complete folder; contains the key of what it was compiled from. */
const COMPLETE = "complete";
/** Smaller modules compile faster than a cache of their own can be copied. */
const BUNDLE_FROM_BYTES = 64 * 1024;
/** Largest cache of a version. */
const MOST_BYTES = 8 * 1024 ** 2;
/** Largest size of all these together; the oldest are removed first. None outlives Skiff. */
const MOST_TOTAL_BYTES = 256 * 1024 ** 2;
/** Time after which Deno has written what it compiled, which it does in the background. */
export const WRITTEN_AFTER_MS = 2_000;
/** Space for the caches of an instance in its folder in memory. */
export const CACHE_BYTES = MOST_BYTES + 1024 ** 2;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Name of the cache's folder in the folder in memory of a sandbox. */
export const CACHE_FOLDER = "deno";
/** Deno keeps what functions put into the Cache API and localStorage in a folder of this name: a file prevents that. */
const LOCATION_DATA = "location_data";

/** Imports the modules that functions often import, which Deno compiles at their first import. */
export const WARM_MODULE = `for (const name of ${JSON.stringify(
  builtinModules.filter((name) => !name.startsWith("_") && !name.includes(":")),
)}) await import("node:" + name).catch(() => {});
export default () => new Response("warm");
`;

/** A sandbox that has a folder in memory, and the owner of the files in it. */
export interface CachePlace {
  readonly sandbox: {
    readonly isEnded: boolean;
    /** Deno runs and has opened the shared cache. */
    readonly runs?: boolean;
    readonly workPath: string;
    signal(name: NodeJS.Signals): void;
  };
  readonly user: number;
}

/** The cache of one instance. */
export interface ProvidedCache {
  /** Called when the instance is ready. */
  loaded(): void;
  /** Stops reading from the instance. */
  close(): Promise<void>;
}

/** A cache that is not kept. */
export const UNKEPT: ProvidedCache = { loaded: () => {}, close: async () => {} };

/**
 * Compiled code, which makes starts faster. No function can write code for another one: every sandbox gets a copy of a
 * shared cache that a program of ours compiled (`keep`), and a version with much code has a cache that one of its instances
 * compiled and only its other instances get.
 */
export class CodeCache {
  readonly #shared: string;
  readonly #key: string;
  readonly #underWay = new Set<string>();
  /** Sizes of the caches of versions by their folder, the oldest first. */
  readonly #kept = new Map<string, number>();

  /** @param folder for the shared cache @param key identifies what that is compiled from and by */
  constructor(folder: string, key: string) {
    this.#shared = folder;
    this.#key = key;
    const stamp = join(folder, COMPLETE);
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
    // It belongs to another version of Deno, or to a Skiff whose functions wrote here.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Opens the cache of what this runtime compiles. */
  static open(folder: string, { binary, program }: RuntimeFiles): CodeCache {
    const { size, mtimeMs } = statSync(binary);
    const key = createHash("sha256").update(`${size} ${mtimeMs}`).update(readFileSync(program));
    return new CodeCache(folder, key.digest("hex"));
  }

  get isWarm(): boolean {
    return existsSync(join(this.#shared, COMPLETE));
  }

  /** Makes a folder for instances without sandboxes, which all write to it. It lasts as long as Skiff runs. */
  openWritable(): string {
    const folder = join(this.#shared, "shared");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, LOCATION_DATA), "");
    return folder;
  }

  /** Copies the shared cache into a new sandbox. */
  async seed({ sandbox, user }: CachePlace): Promise<void> {
    const folder = join(sandbox.workPath, CACHE_FOLDER);
    await mkdir(folder, { mode: 0o700 });
    const names = this.isWarm ? DATABASES : [];
    for (const name of names) await copyFile(join(this.#shared, name), join(folder, name));
    await writeFile(join(folder, LOCATION_DATA), "");
    if (process.getuid?.() !== 0) return;
    for (const path of [folder, ...names.map((name) => join(folder, name))]) await chown(path, user, user);
  }

  /** Makes what a program of ours compiled the shared cache. */
  async keep(prepared: CachePlace): Promise<void> {
    if ((await copyOut(prepared, this.#shared)) === 0) return;
    for (const name of DATABASES) await compact(join(this.#shared, name));
    await writeFile(join(this.#shared, COMPLETE), this.#key, { mode: 0o600 });
  }

  /**
   * Gives an instance the cache of its version, or keeps what it compiles if there is none.
   * @param artifact a module, or the folder of a project
   */
  async provide(artifact: string, prepared: CachePlace): Promise<ProvidedCache> {
    const stat = statSync(artifact);
    if (stat.isFile() && stat.size < BUNDLE_FROM_BYTES) return UNKEPT;
    const own = join(dirname(artifact), "deno");
    if (existsSync(join(own, COMPLETE))) {
      if (!prepared.sandbox.runs) await copyIn(own, prepared);
      return UNKEPT;
    }
    // One instance is enough. Those that start meanwhile compile for themselves.
    if (this.#underWay.has(own)) return UNKEPT;
    this.#underWay.add(own);
    let timer: NodeJS.Timeout | undefined;
    let keeping: Promise<unknown> | undefined;
    const done = () => this.#underWay.delete(own);
    const loaded = () => {
      timer = setTimeout(() => {
        // A full disk, a removed version or the end of the instance: the next one compiles again.
        keeping = this.#keepOwn(prepared, own).then(done, done);
      }, WRITTEN_AFTER_MS);
      timer.unref();
    };
    const close = async () => {
      clearTimeout(timer);
      await keeping;
      done();
    };
    return { loaded, close };
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

/** Removes a folder so that a reader gets either all of it or an error. */
async function removeWhole(folder: string): Promise<void> {
  try {
    await rename(folder, `${folder}.old`);
  } catch (error) {
    // It was removed with its version.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await rm(`${folder}.old`, { recursive: true, force: true });
}

/** Copies a cache into a sandbox in which no code of a function runs yet. What cannot be copied is compiled again. */
async function copyIn(own: string, { sandbox, user }: CachePlace): Promise<void> {
  const folder = join(sandbox.workPath, CACHE_FOLDER);
  try {
    for (const name of (await readdir(own)).filter((each) => each !== COMPLETE)) {
      const path = join(folder, name);
      await copyFile(join(own, name), path);
      if (process.getuid?.() === 0) await chown(path, user, user);
    }
  } catch {
    // A part of a cache is of no use.
    await Promise.allSettled(FILES.map((name) => rm(join(folder, name), { force: true })));
  }
}

/** Makes a database one small file without a log. Only for what a program of ours wrote. */
async function compact(file: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/**
 * Copies what an instance has compiled. The function may have replaced the files, so this takes only regular files of the
 * folder itself, of a bounded size. The instance is stopped meanwhile, so that the files are consistent. Returns the bytes
 * copied; 0 if there were none.
 */
async function copyOut({ sandbox }: CachePlace, into: string): Promise<number> {
  if (sandbox.isEnded) return 0;
  const contents = await readStill(sandbox);
  if (contents.length === 0) return 0;
  // Not the folders above it: they are removed with the version.
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
    // Synchronously: the path may lead to another sandbox once this one is closed. The descriptor does not.
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

/** Undefined if there is no file or folder of that kind. */
async function unlessAbsent<T>(open: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (["ENOENT", "ELOOP", "ENOTDIR", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}
