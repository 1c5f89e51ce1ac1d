import { toProblem } from "../../../platform/problems.ts";
import { InTurn } from "../homes/in-turn.ts";
import type { CommitId } from "../repository.ts";
import type { MirrorOutcome } from "./mirror-state.ts";
import type { MirrorServices } from "./pull.ts";
import { pushMirror } from "./push-branch.ts";
import { isPushDue } from "./push-due.ts";

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 3_600_000;

interface Waiting {
  /** What could not be pushed. */
  tip: CommitId | undefined;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  isRunning: boolean;
  isChanged: boolean;
}

/** Pushes repositories to those that follow them, in the background. A push that fails is tried again, at least once an hour. */
export class PushQueue {
  readonly #services: MirrorServices;
  readonly #firstRetryMs: number;
  /** Two pushes of one branch at once would be in each other's way. */
  readonly #turns = new InTurn();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Set<Promise<void>>();

  constructor(services: MirrorServices, { firstRetryMs = FIRST_RETRY_MS } = {}) {
    this.#services = services;
    this.#firstRetryMs = firstRetryMs;
  }

  /** Pushes a repository if it has what its follower has not. */
  changed(name: string): void {
    const { closing } = this.#services.repositories;
    if (closing.aborted) return;
    const known = this.#waiting.get(name);
    const waiting = known ?? {
      tip: undefined,
      failures: 0,
      timer: undefined,
      isRunning: false,
      isChanged: false,
    };
    this.#waiting.set(name, waiting);
    waiting.isChanged = true;
    if (waiting.isRunning) return;
    const run = this.#run(name, waiting);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** Pushes a repository now. @throws as `pushMirror` */
  async push(name: string, signal: AbortSignal): Promise<MirrorOutcome> {
    return await this.#turns.run(name, () => pushMirror(this.#services, { name, signal }));
  }

  async close(): Promise<void> {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  async #run(name: string, waiting: Waiting): Promise<void> {
    const { print } = this.#services;
    waiting.isRunning = true;
    try {
      while (waiting.isChanged) {
        waiting.isChanged = false;
        await this.#turns.run(name, () => this.#push(name, waiting));
      }
    } catch (error) {
      print(`git: ${name} cannot be pushed to its mirror: ${(error as Error).message}`);
    } finally {
      waiting.isRunning = false;
      if (waiting.timer === undefined) this.#waiting.delete(name);
    }
  }

  async #push(name: string, waiting: Waiting): Promise<void> {
    const { repositories, print } = this.#services;
    const { home } = await repositories.tools();
    const state = (await home.find(name))?.state;
    if (!state?.tip || !isPushDue(state)) return this.#forget(waiting);
    const { tip } = state;
    // Its end was stored, which is a change too.
    if (waiting.tip === tip && waiting.timer !== undefined) return;
    this.#stop(waiting);
    const signal = repositories.closing;
    try {
      const { detail } = await pushMirror(this.#services, { name, signal });
      print(`mirrored ${name}: ${detail}`);
      this.#forget(waiting);
    } catch (error) {
      if (signal.aborted) return;
      if (waiting.tip !== tip) {
        print(`mirror of ${name}: ${toProblem(error).detail}`);
        waiting.failures = 0;
      }
      const delayMs = Math.min(this.#firstRetryMs * 2 ** waiting.failures++, LONGEST_RETRY_MS);
      waiting.tip = tip;
      waiting.timer = setTimeout(() => {
        waiting.timer = undefined;
        this.changed(name);
      }, delayMs).unref();
    }
  }

  #forget(waiting: Waiting): void {
    this.#stop(waiting);
    Object.assign(waiting, { tip: undefined, failures: 0 });
  }

  #stop(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    waiting.timer = undefined;
  }
}
