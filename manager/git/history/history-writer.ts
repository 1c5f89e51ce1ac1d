import type { VersionRecord } from "../../../platform/platform.ts";
import type { CommitId, FunctionState } from "../repository.ts";
import { isAncestor, readCommits } from "../tree/read-commits.ts";
import { type NewCommit, PREVIOUS } from "../tree/tree.ts";
import { writeCommits } from "../tree/write-commits.ts";
import type { HistoryStep } from "./plan-history.ts";
import type { WriterMeans } from "./version-tree.ts";
import { VersionTrees } from "./version-trees.ts";

export interface WriterOptions {
  /** The bare repository. */
  readonly repository: string;
  readonly isGroup: boolean;
  readonly tip: CommitId | null;
  readonly functions: Readonly<Record<string, FunctionState>>;
}

/** Memory of commits that wait to be written together. */
const MOST_BYTES = 32 * 1024 ** 2;
/** Author of what no version says: a change of the traffic. Every manager makes the same commit of it. */
const SKIFF = "skiff";

/** Writes the commits of a plan. Objects come into the repository, and no ref moves. */
export class HistoryWriter {
  readonly #repository: string;
  readonly #isGroup: boolean;
  readonly #means: WriterMeans;
  readonly #trees: VersionTrees;
  readonly #functions: Map<string, FunctionState>;
  #tip: CommitId | null;
  #tipAt: Date | undefined;
  /** Commits on top of the tip and of each other. */
  #waiting: { readonly commit: NewCommit; readonly record: VersionRecord }[] = [];
  #bytes = 0;

  constructor({ repository, isGroup, tip, functions }: WriterOptions, means: WriterMeans) {
    this.#repository = repository;
    this.#isGroup = isGroup;
    this.#means = means;
    this.#tip = tip;
    this.#functions = new Map(Object.entries(functions));
    this.#trees = new VersionTrees({ repository, isGroup }, means);
  }

  get tip(): CommitId | null {
    return this.#tip;
  }

  get functions(): Readonly<Record<string, FunctionState>> {
    return Object.fromEntries(this.#functions);
  }

  /** Carries out one step. The next one may depend on `flush`. */
  async write(step: HistoryStep): Promise<void> {
    const { record } = step;
    const state = this.#functions.get(record.name)!;
    if (step.kind === "commit") return this.#commit(step);
    await this.flush();
    if (step.kind === "switch") return this.#switch(record, step.isBack);
    if (step.kind === "forward") {
      this.#trees.forget();
      return this.#moveTo(record, record.note.commit!);
    }
    const commit = state.versions[step.as]?.commit;
    if (commit === undefined) return;
    this.#know(record, commit);
    if (step.isTip) this.#setVersion(record);
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const ids = await writeCommits(
      this.#means.git,
      this.#repository,
      waiting.map(({ commit }) => commit),
    );
    for (const [index, { record, commit }] of waiting.entries()) {
      this.#moveTo(record, ids[index]!);
      this.#tipAt = commit.at;
    }
  }

  async #commit({ record, movesTip, alike }: HistoryStep & { readonly kind: "commit" }): Promise<void> {
    // A group has the tree of the tip besides the function.
    if (!movesTip || this.#isGroup) await this.flush();
    const state = this.#functions.get(record.name)!;
    const like = alike === undefined ? undefined : state.versions[alike]?.commit;
    const tree = await this.#trees.of(record, { state, tip: this.#tip, alike: like });
    // The version was forgotten meanwhile.
    if (tree === undefined) return;
    const { path, bytes, ...content } = tree;
    const { note, name, version, createdAt: at } = record;
    const commit: NewCommit = {
      ...content,
      parent: this.#waiting.length > 0 ? PREVIOUS : (this.#tip ?? undefined),
      author: note.author?.replace(/<.*/, "").trim() || note.by,
      at,
      message: note.message ?? `Deploy ${name} version ${version}`,
    };
    if (path !== state.path) this.#functions.set(name, { ...state, path });
    if (!movesTip) {
      const [id] = await writeCommits(this.#means.git, this.#repository, [commit]);
      this.#know(record, id!);
      this.#trees.forget();
      return;
    }
    this.#waiting.push({ commit, record });
    this.#bytes += bytes;
    if (this.#bytes > MOST_BYTES) await this.flush();
  }

  async #switch(record: VersionRecord, isBack: boolean): Promise<void> {
    const { git } = this.#means;
    const { name, version } = record;
    const state = this.#functions.get(name)!;
    const known = state.versions[version]?.commit;
    if (known === undefined) return;
    const tip = this.#tip;
    const repository = this.#repository;
    if (tip === null || (await isAncestor(git, { repository, ancestor: tip, of: known }))) {
      this.#trees.forget();
      return this.#moveTo(record, known);
    }
    const at = new Date((await this.#dateOf(tip)).getTime() + 1_000);
    const tree = await this.#trees.again(record, { state, tip, commit: known });
    if (tree === undefined) return;
    const { path: _, bytes: __, ...content } = tree;
    const message = `${isBack ? "Roll back" : "Switch"} ${name} to version ${version}`;
    const commit = { ...content, parent: tip, author: this.#means.by ?? SKIFF, at, message };
    const [id] = await writeCommits(git, repository, [commit]);
    this.#tip = id!;
    this.#tipAt = at;
    // The commit that made the version stays its commit.
    this.#setVersion(record);
  }

  async #dateOf(tip: CommitId): Promise<Date> {
    if (this.#tipAt !== undefined) return this.#tipAt;
    const [commit] = await readCommits(this.#means.git, {
      repository: this.#repository,
      from: tip,
      limit: 1,
    });
    return commit!.at;
  }

  #moveTo(record: VersionRecord, commit: CommitId): void {
    this.#tip = commit;
    this.#tipAt = undefined;
    this.#know(record, commit);
    this.#setVersion(record);
  }

  #know({ name, version, hash }: VersionRecord, commit: CommitId): void {
    const state = this.#functions.get(name)!;
    this.#functions.set(name, { ...state, versions: { ...state.versions, [version]: { commit, hash } } });
  }

  #setVersion({ name, version }: VersionRecord): void {
    this.#functions.set(name, { ...this.#functions.get(name)!, version });
  }
}
