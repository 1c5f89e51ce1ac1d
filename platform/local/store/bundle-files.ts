import { rmSync } from "node:fs";
import { access, copyFile, mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Artifact, VersionRecord } from "../../platform.ts";

export type VersionName = Pick<VersionRecord, "name" | "version">;

interface BundleFile {
  readonly path: string;
  /** Instances that run it. */
  users: number;
  /** It is being written. */
  writing: Promise<void> | undefined;
}

/**
 * The bundles as files for Deno, one folder per version. They are copies of what the database has, written
 * when they are needed: a crash may cut one short, so none outlives the Skiff that wrote it. A version is
 * identified by its record, not by its number: a name that was removed may be deployed again while instances of the
 * function before still finish.
 */
export class BundleFiles {
  readonly #root: string;
  readonly #read: (version: VersionName) => Promise<Artifact | undefined>;
  readonly #files = new Map<VersionName, BundleFile>();
  readonly #retired = new WeakSet<VersionName>();
  #made = 0;

  constructor(root: string, read: (version: VersionName) => Promise<Artifact | undefined>) {
    this.#root = root;
    this.#read = read;
    rmSync(root, { recursive: true, force: true });
  }

  /** Writes the file of a version that is not stored yet. */
  write(version: VersionName, { code }: Artifact): Promise<void> {
    return this.#write(this.#fileOf(version), (path) => writeFile(path, code));
  }

  /** Makes the file of a version that is not stored yet from that of a stored one. */
  async copy(from: VersionName, version: VersionName): Promise<void> {
    const path = await this.hold(from);
    try {
      await this.#write(this.#fileOf(version), (copy) => copyFile(path, copy));
    } finally {
      await this.release(from);
    }
  }

  /** Path of the version's file, which is there until `release`. */
  async hold(version: VersionName): Promise<string> {
    const file = this.#fileOf(version);
    file.users++;
    try {
      if (!(await isThere(file.path))) await this.#write(file, (path) => this.#writeStored(version, path));
      return file.path;
    } catch (error) {
      await this.release(version);
      throw error;
    }
  }

  /**
   * An instance that ran it has ended.
   * @returns what could not be removed and why, for the log; undefined if nothing is left
   */
  async release(version: VersionName): Promise<string | undefined> {
    this.#fileOf(version).users--;
    return await this.#removeUnused(version);
  }

  /**
   * Nothing starts the version any more: its file is removed with its last instance. Until then it stays, for fast
   * starts.
   * @returns as `release`
   */
  async retire(version: VersionName): Promise<string | undefined> {
    this.#retired.add(version);
    return await this.#removeUnused(version);
  }

  /** Several instances that start at the same time wait for one file. */
  #write(file: BundleFile, write: (path: string) => Promise<void>): Promise<void> {
    file.writing ??= writeWhole(file.path, write).finally(() => {
      file.writing = undefined;
    });
    return file.writing;
  }

  async #writeStored(version: VersionName, path: string): Promise<void> {
    const bundle = await this.#read(version);
    if (!bundle) throw new Error(`version ${version.version} of ${version.name} is not stored any more`);
    await writeFile(path, bundle.code);
  }

  #fileOf(version: VersionName): BundleFile {
    const known = this.#files.get(version);
    if (known) return known;
    const folder = join(this.#root, version.name, `${version.version}-${++this.#made}`);
    const file = { path: join(folder, "bundle.mjs"), users: 0, writing: undefined };
    this.#files.set(version, file);
    return file;
  }

  async #removeUnused(version: VersionName): Promise<string | undefined> {
    const file = this.#files.get(version);
    if (!file || file.users > 0 || !this.#retired.has(version)) return undefined;
    this.#files.delete(version);
    try {
      await rm(dirname(file.path), { recursive: true, force: true });
      await removeIfEmpty(join(this.#root, version.name));
      return undefined;
    } catch (error) {
      return `something is left in ${dirname(file.path)}: ${(error as Error).message}`;
    }
  }
}

async function writeWhole(path: string, write: (path: string) => Promise<void>): Promise<void> {
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await write(part);
    await rename(part, path);
  } catch (error) {
    // On a full disk it would take the space that others need.
    await rm(part, { force: true });
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(code)) throw error;
  }
}
