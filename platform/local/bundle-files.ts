import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bundle, Version } from "../platform.ts";

export type VersionName = Pick<Version, "name" | "version">;

interface BundleFile {
  readonly path: string;
  /** Instances that run it. */
  users: number;
}

/**
 * The bundles as files for Deno, one folder per version. They are copies of what the database has, written
 * when they are needed: a crash may cut one short, so none outlives the Skiff that wrote it. A version is
 * known by its record, not by its number: the function of a name that was removed and deployed again starts
 * at 1 while instances of the one before still finish.
 */
export class BundleFiles {
  readonly #root: string;
  readonly #read: (version: VersionName) => Bundle | undefined;
  readonly #files = new Map<VersionName, BundleFile>();
  readonly #retired = new WeakSet<VersionName>();
  #made = 0;

  constructor(root: string, read: (version: VersionName) => Bundle | undefined) {
    this.#root = root;
    this.#read = read;
    rmSync(root, { recursive: true, force: true });
  }

  /** The file of a version that is not stored yet. */
  write(version: VersionName, bundle: Bundle): void {
    const { path } = this.#fileOf(version);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.part`, bundle.code);
    renameSync(`${path}.part`, path);
  }

  /** Path of the version's file, which is there until `release`. */
  hold(version: VersionName): string {
    const file = this.#fileOf(version);
    if (!existsSync(file.path)) {
      const bundle = this.#read(version);
      if (!bundle) throw new Error(`version ${version.version} of ${version.name} is not there any more`);
      this.write(version, bundle);
    }
    file.users++;
    return file.path;
  }

  /** An instance that ran it has ended. */
  release(version: VersionName): void {
    this.#fileOf(version).users--;
    this.#removeUnused(version);
  }

  /** It is not current any more: its file goes with its last instance. Until then it stays, for fast starts. */
  retire(version: VersionName): void {
    this.#retired.add(version);
    this.#removeUnused(version);
  }

  #fileOf(version: VersionName): BundleFile {
    const known = this.#files.get(version);
    if (known) return known;
    const folder = join(this.#root, version.name, `${version.version}-${++this.#made}`);
    const file = { path: join(folder, "bundle.mjs"), users: 0 };
    this.#files.set(version, file);
    return file;
  }

  #removeUnused(version: VersionName): void {
    const file = this.#files.get(version);
    if (!file || file.users > 0 || !this.#retired.has(version)) return;
    this.#files.delete(version);
    rmSync(dirname(file.path), { recursive: true, force: true });
    removeIfEmpty(join(this.#root, version.name));
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(code)) throw error;
  }
}
