import { type ChildProcess, fork } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { mergeTotals } from "../metrics/merge-stats.ts";
import { Channel } from "./channel.ts";
import type { PrimaryMethods, StartWorker, WorkerCounters, WorkerLoad, WorkerMethods } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Pings in a row that a worker may leave unanswered, one a second. */
const UNANSWERED_PINGS = 10;
/** Time for a worker to send its counters, in milliseconds; later the last ones are used. */
const COUNT_MS = 1_000;

export const NO_COUNTERS: WorkerCounters = { functions: [], totals: mergeTotals([]), process: {} };

export interface WorkerProcessOptions {
  /** From 1 on; the successor of a worker gets its place. */
  readonly place: number;
  /** Shows in the list of processes which Skiff it belongs to. */
  readonly label: string;
  /** Settings of access log and traces, see `workerEnv`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly start: StartWorker;
  readonly primary: PrimaryMethods;
}

/** A worker as the primary sees it. */
export class WorkerProcess {
  readonly place: number;
  readonly channel: Channel<WorkerMethods>;
  /** Resolves with the port when it listens, with undefined if it ends before. @throws Error why it cannot start */
  readonly port: Promise<number | undefined>;
  /** Resolves when it has ended and everything that it sent has arrived; says how it ended. */
  readonly ended: Promise<string>;
  readonly startedMs = performance.now();
  readonly loads = new Map<string, WorkerLoad>();
  /** What `count` read last. */
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

  /** Reads its `counters`, within a deadline. */
  async count(): Promise<void> {
    this.#counting ??= this.channel.ask("count").finally(() => {
      this.#counting = undefined;
    });
    this.counters = (await within(COUNT_MS, this.#counting)) ?? this.counters;
  }

  /** Ends it if it has not answered for long. Called once a second. */
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

/** Waits for a promise for at most `ms` milliseconds; undefined then. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, setTimeout(ms, undefined, { ref: false })]);
}

/** Of Skiff's settings a worker gets those of access log and traces: there are secrets among the others. */
function workerEnv(env: WorkerProcessOptions["env"]): WorkerProcessOptions["env"] {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SKIFF|OTEL)_/.test(name));
  const settings = Object.entries(env).filter(([name]) => /^(SKIFF_ACCESS_LOG$|OTEL_)/.test(name));
  return Object.fromEntries([...inherited, ...settings]);
}
