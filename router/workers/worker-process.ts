import { type ChildProcess, fork } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { mergeTotals } from "../metrics/merge-stats.ts";
import { Channel } from "./channel.ts";
import type { PrimaryMethods, StartWorker, WorkerCounters, WorkerLoad, WorkerMethods } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Most unanswered pings in a row, one a second. */
const UNANSWERED_PINGS = 10;
/** Time for a worker to send its counters, in milliseconds; after it the previous ones are used. */
const COUNT_MS = 1_000;

export const NO_COUNTERS: WorkerCounters = { functions: [], totals: mergeTotals([]), process: {} };

export interface WorkerProcessOptions {
  /** From 1 on. The successor of a worker gets its place. */
  readonly place: number;
  /** Identifies the Skiff of the worker in the list of processes. */
  readonly label: string;
  /** Settings of access log, traces and trusted proxies, see `workerEnv`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly start: StartWorker;
  readonly primary: PrimaryMethods;
}

/** A worker, in the primary. */
export class WorkerProcess {
  readonly place: number;
  readonly channel: Channel<WorkerMethods>;
  /** Resolves with the port; undefined if the worker ends before it listens. @throws the start's error */
  readonly port: Promise<number | undefined>;
  /** Resolves with the way it ended, when everything that it sent has arrived. */
  readonly ended: Promise<string>;
  readonly startedMs = performance.now();
  readonly loads = new Map<string, WorkerLoad>();
  /** Updated by `count`. */
  counters = NO_COUNTERS;
  readonly #child: ChildProcess;
  readonly #print: (line: string) => void;
  #counting: Promise<WorkerCounters | undefined> | undefined;
  #unanswered = 0;

  constructor({ place, label, env, start, primary }: WorkerProcessOptions) {
    this.place = place;
    this.#print = primary.print;
    this.#child = fork(PROGRAM, [String(place), label], {
      env: workerEnv(env),
      execArgv: process.execArgv.filter((argument) => !argument.startsWith("--inspect")),
      serialization: "advanced",
    });
    this.channel = new Channel(this.#child, primary);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        if (this.#child.pid === undefined) resolve(`could not be started: ${error.message}`);
      });
      this.#child.once("close", (code, signal) => {
        resolve(signal ? `ended by ${signal}` : `exited with code ${code}`);
      });
    });
    this.port = this.channel.ask("start", start);
    this.port.catch((error: Error) => this.kill(`does not start: ${error.message}`));
  }

  /** Updates `counters`, within a deadline. */
  async count(): Promise<void> {
    this.#counting ??= this.channel.ask("count").finally(() => {
      this.#counting = undefined;
    });
    this.counters = (await within(COUNT_MS, this.#counting)) ?? this.counters;
  }

  /** Kills the worker if it does not answer. Call it once a second. */
  check(): void {
    if (++this.#unanswered > UNANSWERED_PINGS) this.kill(`has not answered for ${UNANSWERED_PINGS} s`);
    void this.channel.ask("ping").then(() => {
      this.#unanswered = 0;
    });
  }

  kill(because?: string): void {
    if (because !== undefined) this.#print(`router process ${this.place} ${because}`);
    this.#child.kill("SIGKILL");
  }
}

/** Resolves with the promise, or with undefined after `ms` milliseconds. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, setTimeout(ms, undefined, { ref: false })]);
}

/** Leaves out Skiff's settings, some of which are secrets, except those that a front reads. */
function workerEnv(env: WorkerProcessOptions["env"]): WorkerProcessOptions["env"] {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SKIFF|OTEL)_/.test(name));
  const settings = Object.entries(env).filter(([name]) =>
    /^(SKIFF_ACCESS_LOG$|SKIFF_TRUST_PROXY$|OTEL_)/.test(name),
  );
  return Object.fromEntries([...inherited, ...settings]);
}
