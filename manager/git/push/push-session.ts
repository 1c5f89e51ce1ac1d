import { basename, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Limits } from "../../../platform/limits.ts";
import { Problem, toProblem } from "../../../platform/problems.ts";
import type { OpenRepository } from "../homes/home.ts";
import { removeLocks } from "../homes/ref-moves.ts";
import { toGitProblem } from "../program/git-problem.ts";
import { type HookedPush, serveHook } from "../program/hook.ts";
import { checkHook } from "../program/install-hook.ts";
import { notMoved, PushTraces } from "../push-traces.ts";
import type { Repositories } from "../repositories.ts";
import { type RefUpdate, shortRef } from "../repository.ts";
import type { Accepted, Push, ReceivePush } from "./push.ts";
import type { PushCounter, PushResult } from "./push-counter.ts";
import { refLines } from "./words/ref-lines.ts";

export interface SessionServices {
  readonly repositories: Repositories;
  readonly receivePush: ReceivePush;
  readonly pushes: PushCounter;
  readonly limits: Pick<Limits, "repositoryBytes">;
  readonly print: (line: string) => void;
}

export interface SessionOptions extends Omit<Push, "repository" | "updates" | "options" | "objects" | "say"> {
  readonly name: string;
  /** The repository in which git receives the push; a new one until it is accepted. */
  readonly opened: OpenRepository;
}

/** One push: the decision about it, and the turn of the repository until git has moved its refs. */
export class PushSession {
  readonly #services: SessionServices;
  readonly #options: SessionOptions;
  readonly #traces: PushTraces;
  readonly #gitEnded = Promise.withResolvers<void>();
  #turn: Promise<void> | undefined;
  #detail = "refused: git did not take it";

  constructor(services: SessionServices, options: SessionOptions) {
    this.#services = services;
    this.#options = options;
    this.#traces = new PushTraces(services.repositories, options.opened);
  }

  /** What became of it, for the audit log. */
  get detail(): string {
    return this.#detail;
  }

  /** Whether git asked about the push. */
  get isDecided(): boolean {
    return this.#turn !== undefined;
  }

  /**
   * Prepares for what git may leave. Before git starts.
   * @throws Problem `git_missing` if git would not ask; `push_refused`
   */
  async begin(): Promise<void> {
    const { repositories, limits } = this.#services;
    await checkHook((await repositories.installed()).hooks);
    await this.#traces.begin(limits.repositoryBytes);
  }

  /** Serves the hook of the push. Without an answer the hook refuses the push. */
  async serve(channel: Readable & Writable): Promise<void> {
    try {
      await serveHook(channel, (push, say) => this.#decide(push, say));
    } catch (error) {
      this.#services.print(`git: a push to "${this.#options.name}" is refused: ${(error as Error).message}`);
    }
    channel.end();
  }

  /** Ends the turn. Resolves when the refs are as it was decided. After git has ended. */
  async settle(): Promise<void> {
    this.#gitEnded.resolve();
    if (this.#turn !== undefined) return await this.#turn;
    const { repositories, print } = this.#services;
    if (!(await this.#traces.undo(repositories.closing))) return;
    print(`git: a push to "${this.#options.name}" moved refs without a decision: they are as before`);
  }

  /** Resolves when its turn has ended and nothing is left of the push. After git has ended. */
  async end(): Promise<void> {
    try {
      await this.settle();
    } finally {
      await this.#traces.end();
    }
  }

  async #decide(push: HookedPush, say: (line: string) => void): Promise<boolean> {
    const { repositories, pushes, print } = this.#services;
    const { name, signal, opened } = this.#options;
    const startedAt = performance.now();
    const count = (result: PushResult) => pushes.count(result, performance.now() - startedAt);
    const decided = Promise.withResolvers<Accepted>();
    for (const line of refLines(push.updates, { name, state: opened.state })) say(line);
    if (repositories.isBusy(name)) say("waiting for another push…");
    const work = async () => {
      const receiving = this.#receive(push, say);
      receiving.then(decided.resolve, decided.reject);
      const accepted = await receiving.catch(() => undefined);
      await this.#gitEnded.promise;
      await this.#follow(accepted, push.updates);
    };
    this.#turn = repositories.inTurn(name, signal, work).catch((error: unknown) => {
      decided.reject(error);
      print(`git: the repository "${name}" may be behind its function: ${(error as Error).message}`);
    });
    try {
      const { result } = await decided.promise;
      count(result);
      return true;
    } catch (error) {
      const { code, detail, status } = toProblem(toGitProblem(error));
      count(status < 500 ? "refused" : "failed");
      this.#detail = `refused: ${code}`;
      if (!(error instanceof Problem) && !signal.aborted)
        print(`git: a push to ${name} failed: ${(error as Error).stack}`);
      say(detail);
      print(`push to ${name} refused: ${detail.split("\n")[0]}`);
      return false;
    }
  }

  async #receive({ objects, options, updates }: HookedPush, say: (line: string) => void): Promise<Accepted> {
    const { repositories, receivePush } = this.#services;
    const { opened, ...rest } = this.#options;
    const repository = (await repositories.current(rest.name, rest.signal)) ?? opened;
    // Git names the folder as it is without links: its place in the repository counts, which may get another name.
    const quarantine = objects && join(opened.path, "objects", basename(objects));
    const push = { ...rest, repository, objects: quarantine, options, updates, say };
    const accepted = await receivePush(push);
    // Git finds a lock that a killed git left, and moves nothing.
    await removeLocks(accepted.repository.path, updates);
    this.#traces.accept(updates);
    return accepted;
  }

  /** Makes the refs what was decided, says what became of them, and packs the repository. In the turn. */
  async #follow(accepted: Accepted | undefined, updates: readonly RefUpdate[]): Promise<void> {
    const { repositories, print } = this.#services;
    const { name } = this.#options;
    const repository = await repositories.settle(name, accepted === undefined ? [] : updates);
    if (accepted !== undefined) {
      const path = (repository ?? accepted.repository).path;
      const left = await notMoved(path, updates);
      this.#detail =
        left.length === 0
          ? accepted.detail
          : `refused: git did not move ${left.slice(0, 5).map(shortRef).join(", ")}`;
      print(`pushed ${name}: ${this.#detail}`);
    }
    await this.#traces.end();
    // The next push finds the room that this one made.
    if (repository !== undefined) await repositories.maintain(repository);
  }
}
