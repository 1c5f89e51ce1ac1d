import { once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { CommandEnd, CommandOrder, RunningCommand } from "../../images/commands.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { clusterProblem } from "../cluster/api-error.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import type { PullSecrets } from "../images/pull-secrets.ts";
import { LABELS } from "../objects/names.ts";
import { sendInput } from "./attach.ts";
import { commandJob, type JobOptions, jobName } from "./command-job.ts";
import { commandLog } from "./command-log.ts";
import { type CommandState, commandState, durationOf } from "./command-state.ts";

const NO_CAPACITY_RETRY_S = 10;
const READ_AHEAD_BYTES = 64 * 1024;
const REMOVE_TRIES = 5;
const REMOVE_PAUSE_MS = 500;

export interface RunOptions extends Cluster, Omit<JobOptions, "pullSecret"> {
  readonly pullSecrets: PullSecrets;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** One command: its Job, from its creation to its removal. */
export class CommandRun {
  readonly name: string;
  /** Secret that it makes to pull the image. */
  readonly pullSecret: string | undefined;
  readonly #order: CommandOrder;
  readonly #options: RunOptions;
  readonly #removed = Promise.withResolvers<void>();
  readonly #changes = new EventTarget();
  /** Ends the command; its reason is why. */
  readonly #stop = new AbortController();
  #state: CommandState = commandState(undefined, "");
  #pod: string | undefined;
  #runningAt = 0;

  constructor(order: CommandOrder, options: RunOptions) {
    this.name = jobName(order.id);
    this.pullSecret = order.pullSecret ? `${this.name}-pull` : undefined;
    this.#order = order;
    this.#options = options;
    const { signal } = options;
    const abort = () => this.#stop.abort("aborted");
    signal.addEventListener("abort", abort, { once: true });
    void this.removed.then(() => signal.removeEventListener("abort", abort));
  }

  /** Resolves when the Job is deleted. */
  get removed(): Promise<void> {
    return this.#removed.promise;
  }

  /** Receives the pod after each change; undefined if it was deleted. */
  see(pod: Pod | undefined): void {
    if (this.#isOver()) return;
    if (pod) {
      this.#pod = pod.metadata.name;
      this.#state = commandState(pod, this.#order.image);
    } else {
      this.#state = { is: "ended", end: { because: "aborted" } };
    }
    if (this.#runningAt === 0 && /running|ended/.test(this.#state.is)) this.#runningAt = performance.now();
    this.#changes.dispatchEvent(new Event("change"));
  }

  /**
   * Makes the Job. Resolves when the command runs, or has run.
   * @throws Problem; the reason of the signal
   */
  async start(): Promise<RunningCommand> {
    try {
      await this.#create();
      await this.#started();
    } catch (error) {
      await this.#remove();
      throw clusterProblem(error);
    }
    const signal = this.#stop.signal;
    const log = commandLog(this.#pod!, { ...this.#options, signal, hasEnded: () => this.#isOver() });
    const read = Promise.withResolvers<void>();
    const options = { objectMode: false, highWaterMark: READ_AHEAD_BYTES };
    const output = Readable.from(untilEnd(log, read.resolve), options);
    output.once("close", read.resolve);
    // Reads ahead: the end of a command with little output does not wait for a reader.
    output.read(0);
    void this.#sendInput(output);
    return { output, ended: this.#finish(read.promise) };
  }

  async #create(): Promise<void> {
    const { api, namespace, owner, pullSecrets, signal } = this.#options;
    const { pullSecret } = this;
    const { image, pullSecret: secret } = this.#order;
    if (pullSecret !== undefined && secret !== undefined) {
      await pullSecrets.create(pullSecret, { image, secret, labels: { [LABELS.command]: owner } });
    }
    const job = commandJob(this.#order, { ...this.#options, pullSecret });
    await api.create({ kind: KINDS.jobs, namespace }, job, { signal });
  }

  async #started(): Promise<void> {
    const { limits, signal } = this.#options;
    const { image } = this.#order;
    const begun = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const state = this.#state;
      if (state.is === "refused") throw state.problem;
      if (state.is !== "waiting") return;
      const restMs = begun + limits.startMs + (state.isScheduled ? limits.pullMs : 0) - performance.now();
      if (restMs <= 0 && state.isScheduled) {
        const detail = `The image ${image} was not pulled within ${limits.pullMs / 1_000} s (${state.why}). Use an image that the nodes have, or raise SKIFF_PULL_TIMEOUT.`;
        throw new Problem("image_unavailable", detail, { reason: "timeout", setting: "SKIFF_PULL_TIMEOUT" });
      }
      if (restMs <= 0) {
        const detail = `No node took the command within ${limits.startMs / 1_000} s: ${state.why}.`;
        throw new Problem("no_capacity", detail, { retryAfterS: NO_CAPACITY_RETRY_S });
      }
      await this.#change(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(restMs))]));
    }
  }

  /** @param read resolves when the log was read to its end, or nobody reads it any more */
  async #finish(read: Promise<void>): Promise<CommandEnd> {
    const { signal } = this.#stop;
    const timer = setTimeout(() => this.#stop.abort("timeout"), this.#order.timeoutMs);
    while (!this.#isOver() && !signal.aborted) await this.#change(signal);
    clearTimeout(timer);
    const durationMs = performance.now() - this.#runningAt;
    // A client that reads slowly has its time: the log is there until the Job is removed.
    await Promise.race([read, aborted(signal)]);
    await this.#remove();
    if (this.#state.is !== "ended") {
      return { because: signal.reason as CommandEnd["because"], durationMs: Math.round(durationMs) };
    }
    const { end, seconds } = this.#state;
    return { ...end, durationMs: durationOf(durationMs, seconds) };
  }

  async #sendInput(output: Readable): Promise<void> {
    const { input } = this.#order;
    if (input === undefined || this.#isOver()) return;
    try {
      await sendInput(this.#pod!, input, { ...this.#options, signal: this.#stop.signal });
    } catch (error) {
      if (this.#stop.signal.aborted || this.#isOver()) return;
      // Without its input the command would wait for it until its time is up.
      output.destroy(clusterProblem(error) as Error);
      this.#stop.abort("aborted");
    }
  }

  #isOver(): boolean {
    return this.#state.is === "ended" || this.#state.is === "refused";
  }

  /** Resolves at the next change of the pod, or when the signal aborts. */
  async #change(signal: AbortSignal): Promise<void> {
    await once(this.#changes, "change", { signal }).catch(() => {});
  }

  async #remove(): Promise<void> {
    const { api, namespace, pullSecrets, print } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await api.delete({ kind: KINDS.jobs, namespace, name: this.name }, "Background");
        // A command that runs ends without waiting for the garbage collector.
        if (this.#pod !== undefined && !this.#isOver()) {
          await api.delete({ kind: KINDS.pods, namespace, name: this.#pod }, "Background");
        }
        if (this.pullSecret !== undefined) await pullSecrets.remove(this.pullSecret);
        break;
      } catch (error) {
        if (attempt === REMOVE_TRIES) {
          print(`the Job ${this.name} stays until the cluster ends it: ${(error as Error).message}`);
          break;
        }
      }
      await pause(REMOVE_PAUSE_MS);
    }
    this.#removed.resolve();
  }
}

async function* untilEnd(log: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array> {
  yield* log;
  onEnd();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
