import { allRefs, readRef } from "./homes/bare-repository.ts";
import type { OpenRepository } from "./homes/home.ts";
import { quarantinedBytes, removeLeftovers } from "./homes/maintain.ts";
import { moveRefs } from "./homes/ref-moves.ts";
import { type LiveRequest, undoOf } from "./live-requests.ts";
import { tooMuchArriving } from "./push/rules/quarantine.ts";
import type { Repositories } from "./repositories.ts";
import { branchRef, type CommitId, NO_COMMIT, type RefUpdate } from "./repository.ts";

/** What a push leaves in a repository whatever becomes of it. */
export class PushTraces {
  readonly #repositories: Repositories;
  readonly #opened: OpenRepository;
  readonly #request: LiveRequest;
  /** The refs before git started. Undefined until then: git has moved none of them for this push. */
  #before: ReadonlyMap<string, CommitId> | undefined;

  constructor(repositories: Repositories, opened: OpenRepository) {
    this.#repositories = repositories;
    this.#opened = opened;
    this.#request = repositories.live.begin(opened.name);
  }

  /**
   * Prepares for what git may leave. Before git starts.
   * @throws Problem `push_refused` if other pushes have too much there
   */
  async begin(repositoryBytes: number): Promise<void> {
    const { path } = this.#opened;
    if ((await quarantinedBytes(path)) > repositoryBytes) throw tooMuchArriving();
    this.#before = await allRefs(path);
  }

  /** Takes note that git moves refs from now on. */
  accept(updates: readonly RefUpdate[]): void {
    this.#repositories.live.accept(this.#request, updates);
  }

  /** Removes what pushes left that have ended, such as this one. */
  async end(): Promise<void> {
    const { live } = this.#repositories;
    live.end(this.#request);
    await removeLeftovers(this.#opened.path, { liveSince: live.since(this.#opened.name) });
  }

  /**
   * Moves refs back that git moved without a decision. Does nothing for a push that has not begun.
   * @returns whether there were any
   */
  async undo(signal: AbortSignal): Promise<boolean> {
    const { name, path } = this.#opened;
    const before = this.#before;
    if (before === undefined) return false;
    if (undoOf(await allRefs(path), this.#wanted(before)).length === 0) return false;
    const { git, home } = await this.#repositories.tools();
    return await this.#repositories.inTurn(name, signal, async () => {
      const repository = await home.open(name);
      // The folder of a repository that is not kept goes.
      if (repository?.path !== path) return false;
      const updates = undoOf(await allRefs(path), this.#wanted(before, repository));
      await moveRefs(git, path, { updates });
      return updates.length > 0;
    });
  }

  /** Where refs are unless git moved them on its own. */
  #wanted(before: ReadonlyMap<string, CommitId>, repository?: OpenRepository): ReadonlyMap<string, CommitId> {
    if (repository?.keptRefs !== undefined) return new Map(Object.entries(repository.keptRefs));
    const refs = new Map([...before, ...this.#request.moved]);
    if (repository !== undefined) {
      const { branch, tip } = repository.state;
      refs.set(branchRef(branch), tip ?? NO_COMMIT);
    }
    return refs;
  }
}

/** Returns the refs of a push that are not where it moved them. */
export async function notMoved(path: string, updates: readonly RefUpdate[]): Promise<readonly string[]> {
  const refs: string[] = [];
  for (const { ref, to } of updates) if (((await readRef(path, ref)) ?? NO_COMMIT) !== to) refs.push(ref);
  return refs;
}
