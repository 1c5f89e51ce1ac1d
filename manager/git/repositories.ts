import type { Limits } from "../../platform/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import type { Deploys } from "../deploys/deploys.ts";
import type { ObjectKind } from "../files/object-kind.ts";
import { GitPlaces } from "./git-places.ts";
import { recordVersions } from "./history/record-versions.ts";
import { VersionWatch } from "./history/version-watch.ts";
import { allRefs, readRef } from "./homes/bare-repository.ts";
import { type GitHome, glance } from "./homes/git-home.ts";
import type { Home, KeptRepository, OpenRepository } from "./homes/home.ts";
import { isUnused } from "./is-unused.ts";
import { LiveRequests } from "./live-requests.ts";
import { findGit, type InstalledGit } from "./program/find-git.ts";
import { branchRef, type CommitId, emptyState, NO_COMMIT, type RefUpdate } from "./repository.ts";
import { RepositoryTurns } from "./repository-turns.ts";
import { unfinishedIn } from "./unfinished.ts";
import { unknownRepository } from "./unknown-repository.ts";

export interface RepositoriesOptions {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Builder;
  readonly limits: Limits;
  /** Absent: this manager has no repositories. */
  readonly gitHome?: GitHome | undefined;
  /** What a folder may declare besides functions. */
  readonly kinds: () => readonly ObjectKind[];
  readonly print: (line: string) => void;
}

export interface GitTools extends InstalledGit {
  readonly home: Home;
}

/** What reads or changes a repository gets. */
export interface RepositoryWork extends GitTools {
  readonly repository: OpenRepository;
}

const PAGE = 100;
const LOOK_AGAIN_MS = 1_000;

/** The git repositories of functions. Git is found with the first request: everything else works without it. */
export class Repositories {
  readonly #options: RepositoriesOptions;
  readonly #turns: RepositoryTurns;
  readonly #places: GitPlaces;
  readonly #closing = new AbortController();
  /** Requests of git that are being served. */
  readonly live = new LiveRequests();
  #watch: VersionWatch | undefined;
  #installed: Promise<InstalledGit> | undefined;
  #tools: Promise<GitTools> | undefined;

  constructor(options: RepositoriesOptions) {
    this.#options = options;
    const { gitAtOnce } = options.limits;
    this.#places = new GitPlaces({ places: gitAtOnce, inAll: 4 * gitAtOnce });
    this.#turns = new RepositoryTurns(options.limits);
  }

  /** Ends what a killed program left unfinished, and follows versions from now on. Prints what goes wrong. */
  async start(): Promise<void> {
    const { gitHome, platform, print } = this.#options;
    if (gitHome === undefined || this.#watch !== undefined) return;
    const options = { platform, print, follow: (name: string) => this.#follow(name) };
    this.#watch = new VersionWatch(options);
    try {
      if ((await glance(gitHome)).isUnfinished) await this.#finish();
    } catch (error) {
      print(`git: ${toProblem(error).detail}`);
    }
  }

  /** Aborts when the manager shuts down. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Finds git. A missing one is looked for again after a second.
   * @throws Problem `git_missing`
   */
  async installed(): Promise<InstalledGit> {
    const { gitHome, limits } = this.#options;
    if (gitHome === undefined)
      throw new Problem("git_missing", "This manager keeps no repositories: start it with a gitHome.");
    const { pushBytes, gitMs: timeoutMs } = limits;
    this.#installed ??= findGit({ ...gitHome, bounds: { pushBytes }, timeoutMs }).catch((error: unknown) => {
      setTimeout(() => {
        this.#installed = undefined;
      }, LOOK_AGAIN_MS).unref();
      throw error;
    });
    return await this.#installed;
  }

  /**
   * Returns git, and where repositories are.
   * @throws Problem `git_missing`, `store_unavailable`
   */
  tools(): Promise<GitTools> {
    const open = async () => {
      const installed = await this.installed();
      return { ...installed, home: await this.#options.gitHome!.open(installed.git) };
    };
    // The next request tries again: git may be installed by then.
    this.#tools ??= open().catch((error: unknown) => {
      this.#tools = undefined;
      throw error;
    });
    return this.#tools;
  }

  /**
   * Runs `work`, a request of git, when there is a place for it.
   * @param by who it is from
   * @throws Problem `too_many_git`; the signal's reason
   */
  serve<T>(by: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#places.run(by, signal, work);
  }

  /** In order of name. @throws as `tools` */
  async list(page: { readonly after?: string; readonly limit: number }): Promise<readonly KeptRepository[]> {
    const { home } = await this.tools();
    return home.list(page);
  }

  /** Every repository, in order of name. @throws as `tools` */
  async *all(): AsyncGenerator<KeptRepository> {
    let after: string | undefined;
    do {
      const page = await this.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      yield* page;
      after = page.at(-1)?.name;
    } while (after !== undefined);
  }

  /**
   * Returns a repository with every version of its functions that is kept; while a push changes it, as it was before.
   * @throws Problem `unknown_repository`, and as `tools`
   */
  async read(name: string, signal: AbortSignal): Promise<RepositoryWork> {
    const tools = await this.tools();
    if (this.#turns.isBusy(name)) {
      const repository = await tools.home.open(name);
      if (repository) return { ...tools, repository };
    }
    return this.change(name, signal, async (work) => work);
  }

  /**
   * Changes a repository in its turn, after it has every version of its functions that is kept.
   * @throws Problem `unknown_repository`, `too_many_waiting`, and as `tools`; what `work` throws
   */
  async change<T>(name: string, signal: AbortSignal, work: (work: RepositoryWork) => Promise<T>): Promise<T> {
    const tools = await this.tools();
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    return this.#turns.run(name, ended, async () => {
      const repository = await this.#current(name, tools, { signal: ended });
      if (repository === undefined) throw await unknownRepository(name, tools.home);
      // Reads wait until it has every version, but not for the work.
      return await this.#turns.busily(name, () => work({ ...tools, repository }));
    });
  }

  /** Whether somebody changes the repository now. */
  isBusy(name: string): boolean {
    return this.#turns.isBusy(name);
  }

  /** Calls a listener after each turn of a repository, which may have changed it. */
  onChange(listener: (name: string) => void): void {
    this.#turns.onEnd(listener);
  }

  /** Runs `work` in the turn of a repository, which may not exist. */
  inTurn<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(name, signal, () => this.#turns.busily(name, work));
  }

  /** Returns the repository with all versions, made if there is only its function; undefined if there is neither. */
  async current(name: string, signal: AbortSignal): Promise<OpenRepository | undefined> {
    return this.#current(name, await this.tools(), { signal });
  }

  /**
   * Moves the refs of a repository to where its state and an accepted push say, whatever git did with them. One that
   * a refused first push has left is removed. In its turn, when no push is left.
   * @returns the repository; undefined if it is gone
   */
  async settle(name: string, accepted: readonly RefUpdate[] = []): Promise<OpenRepository | undefined> {
    const { git, home } = await this.tools();
    const repository = await home.open(name);
    if (repository === undefined) return undefined;
    if (accepted.length === 0 && (await isUnused(repository, git))) {
      await home.remove(name);
      return undefined;
    }
    const { state, path } = repository;
    const wanted = new Map(accepted.map(({ ref, to }) => [ref, to]));
    if (state.tip !== null) wanted.set(branchRef(state.branch), state.tip);
    const refs: RefUpdate[] = [];
    for (const [ref, to] of wanted) {
      const from = (await readRef(path, ref)) ?? NO_COMMIT;
      if (from !== to) refs.push({ ref, from, to });
    }
    return refs.length === 0 ? repository : await repository.save({ state, refs });
  }

  /** Packs the objects of a repository anew now and then. In its turn, when no push is left. */
  async maintain(repository: OpenRepository): Promise<void> {
    const { repositoryBytes: mostBytes } = this.#options.limits;
    const { name, path } = repository;
    const liveSince = this.live.since(name);
    const tips = liveSince === undefined ? [] : (await allRefs(path)).values();
    await repository.maintain({ mostBytes, liveSince, keep: this.live.noteTips(name, tips) });
  }

  /**
   * Returns what is kept of the repository of a function, as it was when it last followed it. Undefined if it has none;
   * nothing is opened as long as there is no repository at all.
   * @throws as `tools`
   */
  async keptOf(functionName: string): Promise<KeptRepository | undefined> {
    const { gitHome } = this.#options;
    if (gitHome === undefined) return undefined;
    if (this.#tools === undefined && !(await glance(gitHome)).hasRepositories) return undefined;
    const { home } = await this.tools();
    const owner = await home.ownerOf(functionName);
    return owner === undefined ? undefined : await home.find(owner);
  }

  /**
   * Brings the repository of a function in line, unless it is being changed: it follows afterwards then.
   * @param by who changed the traffic
   * @returns the tip of its branch
   * @throws as `tools` and `recordVersions`
   */
  async recordNow(functionName: string, by: string): Promise<CommitId | undefined> {
    const kept = await this.keptOf(functionName);
    if (kept === undefined || this.#turns.isBusy(kept.name)) return undefined;
    const tools = await this.tools();
    return await this.inTurn(kept.name, this.closing, async () => {
      return (await this.#current(kept.name, tools, { signal: this.closing, by }))?.head;
    });
  }

  async #follow(name: string): Promise<void> {
    const kept = await this.keptOf(name);
    if (kept === undefined) return;
    await this.change(kept.name, this.closing, async () => {
      const repository = await this.settle(kept.name);
      if (repository !== undefined) await this.maintain(repository);
    });
  }

  async #finish(): Promise<void> {
    for (const name of await unfinishedIn(this.all())) {
      try {
        await this.inTurn(name, this.closing, async () => {
          if ((await this.current(name, this.closing)) !== undefined) await this.settle(name);
        });
      } catch (error) {
        // The others are finished all the same.
        this.#options.print(`git: the repository ${name}: ${toProblem(error).detail}`);
      }
    }
  }

  async #current(
    name: string,
    { git, home }: GitTools,
    options: { readonly signal: AbortSignal; readonly by?: string },
  ): Promise<OpenRepository | undefined> {
    const means = { ...this.#options, git, home, ...options, kinds: this.#options.kinds() };
    const kept = await home.open(name);
    if (kept !== undefined) return recordVersions(kept, means);
    if ((await home.ownerOf(name)) !== undefined || (await means.platform.find(name)) === undefined)
      return undefined;
    const created = await home.create(name, emptyState());
    try {
      return await recordVersions(created, means);
    } finally {
      await created.release();
    }
  }

  async close(): Promise<void> {
    this.#watch?.close();
    this.#closing.abort(new Problem("draining", "Skiff is shutting down.", { retryAfterS: 1 }));
    const tools = await this.#tools?.catch(() => undefined);
    await tools?.git.close();
    await tools?.home.close();
  }
}
