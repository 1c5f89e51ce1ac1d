import { rmSync } from "node:fs";
import { access, copyFile, mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Artifact, VersionRecord } from "../../platform.ts";

export type VersionName = Pick<VersionRecord, "name" | "version">;

interface BundleFile {
  readonly path: string;
  /** Instances that run it. */
  users: number;
  /** Pending while the file is being written. */
  writing: Promise<void> | undefined;
}

/**
 * Copies bundles from the database into files for Deno, one folder per version, when they are needed. A crash may cut one
 * short, so the next Skiff removes all. The key of a version is its record, not its number: a removed name may be deployed
 * again while instances of the removed function still finish.
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

  /** Writes the file of a version that is not stored yet from the file of a stored one. */
  async copy(from: VersionName, version: VersionName): Promise<void> {
    const path = await this.hold(from);
    try {
      await this.#write(this.#fileOf(version), (copy) => copyFile(path, copy));
    } finally {
      await this.release(from);
    }
  }

  /** Returns the path of the version's file, which stays until `release`. */
  async hold(version: VersionName): Promise<string> {
    const file = this.#fileOf(version);
    file.users++;
    try {
      const isThere = await unless(["ENOENT"], access(file.path));
      if (!isThere) await this.#write(file, (path) => this.#writeStored(version, path));
      return file.path;
    } catch (error) {
      await this.release(version);
      throw error;
    }
  }

  /** Ends one use of the file. Returns a line for the log if the file could not be removed. */
  async release(version: VersionName): Promise<string | undefined> {
    this.#fileOf(version).users--;
    return await this.#removeUnused(version);
  }

  /** Removes the file after its last use. Until then it stays, for fast starts. Returns a line as `release`. */
  async retire(version: VersionName): Promise<string | undefined> {
    this.#retired.add(version);
    return await this.#removeUnused(version);
  }

  /** Writes a file once for all instances that start at the same time. */
  #write(file: BundleFile, write: (path: string) => Promise<void>): Promise<void> {
    file.writing ??= writeWhole(file.path, write).finally(() => {
      file.writing = undefined;
    });
    return file.writing;
  }

  async #writeStored(version: VersionName, path: string): Promise<void> {
    const bundle = await this.#read(version);
    if (!bundle) throw new Error(`version ${version.version} of ${version.name} is no longer stored`);
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
      await unless(["ENOTEMPTY", "EEXIST", "ENOENT"], rmdir(join(this.#root, version.name)));
      return undefined;
    } catch (error) {
      return `${dirname(file.path)} could not be removed: ${(error as Error).message}`;
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
    // On a full disk, others need its space.
    await rm(part, { force: true });
    throw error;
  }
}

/** Resolves with false if the operation fails with one of these codes. */
async function unless(codes: readonly string[], operation: Promise<void>): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
