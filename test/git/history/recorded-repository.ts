import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Deploys } from "../../../manager/deploys/deploys.ts";
import type { ObjectKind } from "../../../manager/files/object-kind.ts";
import { recordVersions } from "../../../manager/git/history/record-versions.ts";
import type { ResolveMeans } from "../../../manager/git/history/resolve-pending.ts";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import type { OpenRepository } from "../../../manager/git/homes/home.ts";
import { emptyState, type RepositoryState } from "../../../manager/git/repository.ts";
import { readCommits } from "../../../manager/git/tree/read-commits.ts";
import { readTree } from "../../../manager/git/tree/read-tree.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Source } from "../../../platform/platform.ts";
import type { SettingsPatch } from "../../../platform/settings/settings.ts";
import { FakeBuilder } from "../../manager/started-manager.ts";
import { type FakeOptions, FakePlatform } from "../../support/platform/fake-platform.ts";
import { plainGit } from "../homes/plain-git.ts";

export interface Deploying {
  readonly patch?: SettingsPatch;
  readonly message?: string;
  readonly percent?: number;
}

/** Repositories that follow a platform in memory. */
export class RecordedRepository {
  readonly limits = limitsFromEnv({});
  readonly platform: FakePlatform;
  readonly lines: string[] = [];
  readonly means: ResolveMeans;
  readonly #folder = mkdtempSync(join(tmpdir(), "skiff-recorded-"));

  constructor(options: FakeOptions = {}) {
    this.platform = new FakePlatform(options);
    const { platform, limits } = this;
    const kinds = [plainKind("Topic"), plainKind("Schedule")];
    const builder = new FakeBuilder();
    this.means = {
      ...{ git: plainGit, platform, builder, limits, kinds, signal: new AbortController().signal },
      home: new FolderHome({ folder: join(this.#folder, "git"), git: plainGit }),
      deploys: new Deploys({ platform, builder, limits }),
      print: (line) => void this.lines.push(line),
    };
  }

  /** Deploys, and returns the version. */
  async deploy(name: string, code: string | Source, options: Deploying = {}): Promise<number> {
    const { patch = {}, message, percent } = options;
    const source: Source =
      typeof code === "string" ? { type: "text/typescript", bytes: Buffer.from(code) } : code;
    const note = { by: "ci", message };
    const { signal } = this.means;
    const { version } = await this.means.deploys.deploy({ name, source, patch, note, percent, signal });
    return version;
  }

  /** Brings the repository in line, and returns it. */
  async record(name: string): Promise<OpenRepository | undefined> {
    const { home } = this.means;
    return await recordVersions(
      (await home.open(name)) ?? (await home.create(name, emptyState())),
      this.means,
    );
  }

  /** Changes what a repository knows. */
  async change(name: string, change: (state: RepositoryState) => RepositoryState): Promise<void> {
    const repository = await this.means.home.open(name);
    assert.ok(repository);
    await repository.save({ state: change(repository.state) });
  }

  /** Subjects of the commits of the branch, newest first. */
  async log(name: string): Promise<string[]> {
    const repository = await this.record(name);
    if (repository?.head === undefined) return [];
    const commits = await readCommits(plainGit, {
      repository: repository.path,
      from: repository.head,
      limit: 100,
    });
    return commits.map(({ subject }) => subject);
  }

  /** Texts of the files at the tip of the branch. */
  async files(name: string): Promise<Record<string, string>> {
    const { path: repository, head: commit } = (await this.record(name))!;
    const files = await readTree(plainGit, { repository, commit: commit! }, { bytes: 1e8, files: 1_000 });
    return Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
  }

  async close(): Promise<void> {
    await this.means.home.close();
    await this.platform.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Objects that are stored, and nothing else. */
function plainKind(kind: string): ObjectKind {
  const noun = kind.toLowerCase();
  return {
    ...{ kind, noun, plural: `${noun}s`, check: () => [], functionsOf: () => [], clash: () => undefined },
    afterPut: async () => {},
    afterRemoval: async () => {},
  };
}
