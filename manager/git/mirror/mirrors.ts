import { rm } from "node:fs/promises";
import { toProblem } from "../../../platform/problems.ts";
import { printable } from "../../../process/printable.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import type { AuditLog } from "../../../store/store.ts";
import { type GitHome, glance } from "../homes/git-home.ts";
import { toGitProblem } from "../program/git-problem.ts";
import { fetchedFolder } from "./fetch-branch.ts";
import { type MirrorOutcome, mirrorOf, recordLast } from "./mirror-state.ts";
import { type MirrorOrder, type MirrorServices, pullMirror } from "./pull.ts";
import { isPushDue } from "./push-due.ts";
import { PushQueue } from "./push-queue.ts";
import { isTransient, retryTransient } from "./retry-transient.ts";

/** A delivery of a webhook, for records. */
export interface DeliveredPush extends Omit<MirrorOrder, "signal"> {
  /** The address that it came from. */
  readonly from: string;
  readonly callId: string;
}

export interface MirrorsOptions extends MirrorServices {
  /** Absent without a store: what happened is printed only. */
  readonly audit: Pick<AuditLog, "append"> | undefined;
  /** Absent: this manager has no repositories. */
  readonly gitHome?: GitHome | undefined;
}

/** Another manager may have ended with a push that failed. */
const LOOK_MS = 3_600_000;

/** Follows other repositories, and lets others follow. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #pushes: PushQueue;
  /** Pulls under way, and those that begin after them. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  /**
   * At most as many pulls as webhooks get places for git: the others wait here, without a limit of time. A pull that gets
   * no place within a minute is retried.
   */
  readonly #places: Semaphore;

  constructor(options: MirrorsOptions) {
    this.#options = options;
    this.#pushes = new PushQueue(options);
    this.#places = new Semaphore({ places: Math.ceil(options.limits.gitAtOnce / 2) });
    options.repositories.onChange((name) => this.#pushes.changed(name));
  }

  /** Removes what a killed program fetched. Pushes that it did not end are tried again in the background, now and every hour. */
  async start(): Promise<void> {
    const { gitHome } = this.#options;
    if (gitHome === undefined || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(gitHome), LOOK_MS).unref();
    await rm(fetchedFolder(gitHome.folder), { recursive: true, force: true });
    this.#look(gitHome);
  }

  /** Hosts that may be addresses of this machine and its networks. */
  get allowedHosts(): ReadonlySet<string> {
    return this.#options.allowedHosts;
  }

  /** Fetches and deploys, or pushes. @throws Problem `mirror_failed`, `unknown_mirror`, and as a push */
  async sync(order: MirrorOrder): Promise<MirrorOutcome> {
    const { repositories } = this.#options;
    const { name, signal } = order;
    const { repository } = await repositories.read(name, signal);
    const { direction } = mirrorOf(name, repository.state);
    const sync = () =>
      direction === "pull" ? pullMirror(this.#options, order) : this.#pushes.push(name, signal);
    return await repositories.serve(order.principal.by, signal, sync);
  }

  /** Fetches and deploys in the background. Deliveries that come before that begins are one. */
  pullLater(delivered: DeliveredPush): void {
    const { name } = delivered;
    if (this.#next.has(name)) return;
    this.#next.add(name);
    const before = this.#running.get(name);
    const run = (async () => {
      await before;
      await this.#pull(delivered);
    })();
    this.#running.set(name, run);
    void run.finally(() => {
      if (this.#running.get(name) === run) this.#running.delete(name);
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#running.values(), this.#looking, this.#pushes.close()]);
  }

  #look(gitHome: GitHome): void {
    const { repositories, print } = this.#options;
    this.#looking = this.#pushDue(gitHome).catch((error: unknown) => {
      if (repositories.closing.aborted) return;
      print(`git: mirrors cannot be looked at: ${toProblem(error).detail}`);
    });
  }

  /** Pushes what earlier attempts did not. */
  async #pushDue(gitHome: GitHome): Promise<void> {
    const { repositories } = this.#options;
    if (!(await glance(gitHome)).hasRepositories) return;
    for await (const { name, state } of repositories.all()) {
      if (repositories.closing.aborted) return;
      if (isPushDue(state)) this.#pushes.changed(name);
    }
  }

  /** Gives its place back between attempts, so that a repository that is busy for long does not stop the others. */
  async #pullWithRetries(order: MirrorOrder): Promise<MirrorOutcome> {
    const { repositories, limits } = this.#options;
    const { name, principal, signal } = order;
    let isFirst = true;
    const attempt = async () => {
      // A delivery that arrives from now on needs another fetch, and is in `#next` at the second attempt.
      if (isFirst) this.#next.delete(name);
      isFirst = false;
      return await repositories.serve(principal.by, signal, () => pullMirror(this.#options, order));
    };
    return await retryTransient(() => this.#places.run(attempt, signal), { signal, forMs: limits.gitMs });
  }

  /** Records an error that `pullMirror` does not record, because most attempts that end with it are retried. */
  async #recordTransient(name: string, error: string): Promise<void> {
    const { repositories, print, now } = this.#options;
    try {
      const { home } = await repositories.tools();
      const mirror = (await home.find(name))?.state.mirror;
      if (mirror?.direction !== "pull") return;
      await recordLast(this.#options, { name, url: mirror.url }, { at: now(), error });
    } catch (reason) {
      print(`git: how the mirror of ${name} ended cannot be stored: ${toProblem(reason).detail}`);
    }
  }

  /** Never rejects. */
  async #pull({ from, callId, ...order }: DeliveredPush): Promise<void> {
    const { repositories, print } = this.#options;
    const { name, principal } = order;
    const signal = repositories.closing;
    let [status, detail] = [200, ""];
    try {
      const pulled = await this.#pullWithRetries({ ...order, signal });
      detail = pulled.detail;
      print(`mirrored ${name}: ${detail}`);
    } catch (error) {
      const problem = toProblem(toGitProblem(error));
      [status, detail] = [problem.status, problem.code];
      print(printable(`mirror of ${name}: ${problem.detail.split("\n")[0]}`));
      if (isTransient(error)) await this.#recordTransient(name, problem.detail);
    }
    const entry = { by: principal.by, from, action: "mirror", target: `git/${name}`, status, detail, callId };
    try {
      await this.#options.audit?.append({ at: new Date(this.#options.now()), ...entry });
    } catch (error) {
      print(
        printable(`audit, not stored because ${(error as Error).message}: ${Object.values(entry).join(" ")}`),
      );
    }
  }
}
