import { toProblem } from "../../../platform/problems.ts";
import { printable } from "../../../process/printable.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import type { AuditLog } from "../../../store/store.ts";
import { toGitProblem } from "../program/git-problem.ts";
import { type MirrorOutcome, mirrorOf } from "./mirror-state.ts";
import { type MirrorOrder, type MirrorServices, pullMirror } from "./pull.ts";
import { PushQueue } from "./push-queue.ts";

/** A delivery of a webhook, for records. */
export interface DeliveredPush extends Omit<MirrorOrder, "signal"> {
  /** The address that it came from. */
  readonly from: string;
  readonly callId: string;
}

export interface MirrorsOptions extends MirrorServices {
  /** Absent without a store: what happened is printed only. */
  readonly audit: Pick<AuditLog, "append"> | undefined;
  readonly firstRetryMs?: number;
}

/** Follows other repositories, and lets others follow. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #pushes: PushQueue;
  /** Pulls under way, and those that begin after them. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Set<string>();
  /** As many as webhooks have places: a delivery that waits is not refused. */
  readonly #places: Semaphore;

  constructor(options: MirrorsOptions) {
    this.#options = options;
    this.#pushes = new PushQueue(options, options);
    this.#places = new Semaphore({ places: Math.ceil(options.limits.gitAtOnce / 2) });
    options.repositories.onChange((name) => this.#pushes.changed(name));
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
      await this.#places.run(async () => {
        this.#next.delete(name);
        await this.#pull(delivered);
      });
    })();
    this.#running.set(name, run);
    void run.finally(() => {
      if (this.#running.get(name) === run) this.#running.delete(name);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values(), this.#pushes.close()]);
  }

  /** Never rejects. */
  async #pull({ from, callId, ...order }: DeliveredPush): Promise<void> {
    const { repositories, print } = this.#options;
    const { name, principal } = order;
    const signal = repositories.closing;
    let [status, detail] = [200, ""];
    try {
      const pulled = await repositories.serve(principal.by, signal, () =>
        pullMirror(this.#options, { ...order, signal }),
      );
      detail = pulled.detail;
      print(`mirrored ${name}: ${detail}`);
    } catch (error) {
      const problem = toProblem(toGitProblem(error));
      [status, detail] = [problem.status, problem.code];
      print(printable(`mirror of ${name}: ${problem.detail.split("\n")[0]}`));
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
