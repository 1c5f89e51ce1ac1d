import { rmSync } from "node:fs";
import { access, copyFile, mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { launchOf, type ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import type { Artifact, VersionRecord } from "../../platform.ts";
import type { ProjectFiles } from "../projects/project-files.ts";

const MODULE = "bundle.mjs";
const PROJECT = "project";

export type VersionName = Pick<VersionRecord, "name" | "version">;

/** Where the artifact of a version is. */
export interface ArtifactFile {
  /** A module, or the folder of a project. */
  readonly path: string;
  /** Absent for a module. */
  readonly project?: ProjectLaunch;
}

interface BundleFile {
  readonly folder: string;
  /** Absent until it was written once. */
  artifact?: ArtifactFile;
  /** Number of uses. */
  users: number;
  /** Pending while the artifact is being written. */
  writing: Promise<ArtifactFile> | undefined;
}

export interface BundleFilesOptions {
  readonly root: string;
  readonly read: (version: VersionName) => Promise<Artifact | undefined>;
  readonly projects: ProjectFiles;
}

/**
 * Copies artifacts from the database into files for Deno, one folder per version, when they are needed. A crash may cut one
 * short, so the next Skiff removes all. The key of a version is its record, not its number: a removed name may be deployed
 * again while instances of the removed function still finish.
 */
export class BundleFiles {
  readonly #options: BundleFilesOptions;
  readonly #files = new Map<VersionName, BundleFile>();
  readonly #retired = new WeakSet<VersionName>();
  #made = 0;

  constructor(options: BundleFilesOptions) {
    this.#options = options;
    rmSync(options.root, { recursive: true, force: true });
  }

  /** Writes the artifact of a version that is not stored yet. */
  async write(version: VersionName, artifact: Artifact): Promise<void> {
    await this.#write(version, (folder) => this.#writeArtifact(artifact, folder));
  }

  /** Writes the artifact of a version that is not stored yet from the files of a stored one. */
  async copy(from: VersionName, version: VersionName): Promise<void> {
    const { path, project } = await this.hold(from);
    try {
      await this.#write(version, async (folder) => {
        if (project === undefined) return await writeModule(folder, (copy) => copyFile(path, copy));
        const copy = join(folder, PROJECT);
        if (project.image) return await withoutFiles(copy, project);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await this.#options.projects.link(path, copy);
        return { path: copy, project };
      });
    } finally {
      await this.release(from);
    }
  }

  /** Returns the artifact of the version, whose files stay until `release`. */
  async hold(version: VersionName): Promise<ArtifactFile> {
    const file = this.#fileOf(version);
    file.users++;
    try {
      const { artifact } = file;
      const isThere = artifact && (await unless(["ENOENT"], access(artifact.path)));
      return isThere ? artifact : await this.#write(version, (folder) => this.#writeStored(version, folder));
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

  /** Writes an artifact once for all instances that start at the same time. */
  #write(version: VersionName, write: (folder: string) => Promise<ArtifactFile>): Promise<ArtifactFile> {
    const file = this.#fileOf(version);
    const written = async () => {
      file.artifact = await write(file.folder);
      return file.artifact;
    };
    file.writing ??= written().finally(() => {
      file.writing = undefined;
    });
    return file.writing;
  }

  async #writeStored(version: VersionName, folder: string): Promise<ArtifactFile> {
    const artifact = await this.#options.read(version);
    if (!artifact) throw new Error(`version ${version.version} of ${version.name} is no longer stored`);
    return await this.#writeArtifact(artifact, folder);
  }

  async #writeArtifact({ code }: Artifact, folder: string): Promise<ArtifactFile> {
    const project = launchOf(code);
    if (project === undefined) return await writeModule(folder, (path) => writeFile(path, code));
    const path = join(folder, PROJECT);
    if (project.image) return await withoutFiles(path, project);
    await this.#options.projects.unpack(code, path);
    return { path, project };
  }

  #fileOf(version: VersionName): BundleFile {
    const known = this.#files.get(version);
    if (known) return known;
    const folder = join(this.#options.root, version.name, `${version.version}-${++this.#made}`);
    const file: BundleFile = { folder, users: 0, writing: undefined };
    this.#files.set(version, file);
    return file;
  }

  async #removeUnused(version: VersionName): Promise<string | undefined> {
    const file = this.#files.get(version);
    if (!file || file.users > 0 || !this.#retired.has(version)) return undefined;
    this.#files.delete(version);
    if (file.artifact) this.#options.projects.forget(file.artifact.path);
    try {
      // A spare folder may be under way in it.
      await rm(file.folder, { recursive: true, force: true, maxRetries: 3 });
      await unless(["ENOTEMPTY", "EEXIST", "ENOENT"], rmdir(join(this.#options.root, version.name)));
      return undefined;
    } catch (error) {
      return `${file.folder} could not be removed: ${(error as Error).message}`;
    }
  }
}

/** An image has no files of its own. */
async function withoutFiles(path: string, project: ProjectLaunch): Promise<ArtifactFile> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return { path, project };
}

async function writeModule(folder: string, write: (path: string) => Promise<void>): Promise<ArtifactFile> {
  const path = join(folder, MODULE);
  const part = `${path}.part`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await write(part);
    await rename(part, path);
    return { path };
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
