import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { FunctionStats } from "../metrics/stats.ts";
import type { FromWorker, ToWorker, WorkerTotals } from "./worker-messages.ts";

const PROGRAM = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Connections that may be on their way to a worker; one that takes no more of them is passed over. */
const CONNECTIONS_ON_THE_WAY = 200;
/** Questions in a row, a second apart, that a worker may leave unanswered before it counts as stuck. */
const UNANSWERED = 15;
/** Time that a worker has to say what it counted, in milliseconds; after that what it said last is told. */
const COUNT_MS = 1_000;
/** What is no worker's business. */
const SECRETS = new Set(["SKIFF_TOKEN", "SKIFF_INTERNAL_TOKEN", "SKIFF_POOL_SECRET"]);

/** What a worker has counted. */
export interface WorkerStats extends WorkerTotals {
  readonly functions: readonly FunctionStats[];
}

const NOTHING: WorkerStats = {
  functions: [],
  totals: { unrouted: {}, logLinesDropped: 0, spansDropped: 0 },
  process: {},
};

export interface WorkerOwner {
  heard(worker: WorkerProcess, message: FromWorker): void;
  /** It is over with it; `how` is for people. */
  ended(worker: WorkerProcess, how: string): void;
}

export interface WorkerProcessOptions {
  readonly number: number;
  readonly place: number;
  /** The last change of endpoints, which its first message holds. */
  readonly change: number;
  readonly owner: WorkerOwner;
  /** For who looks at the list of processes: which Skiff it belongs to. */
  readonly label: string;
}

/** One worker as the primary sees it: a process, what it was told and what it has said. */
export class WorkerProcess {
  /** Never used again for another. */
  readonly number: number;
  /** Its place among the workers from 1 on, which the one that takes over from it gets. */
  readonly place: number;
  readonly startedMs = performance.now();
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
  isReady = false;
  /** The last change of endpoints that it goes by. */
  applied: number;
  /** What it said last that it had counted. */
  stats: WorkerStats = NOTHING;
  /** What it is just saying. */
  #functions: FunctionStats[] = [];
  readonly #child: ChildProcess;
  #connections = 0;
  #onTheWay = 0;
  #unanswered = 0;
  #counting: PromiseWithResolvers<void> | undefined;
  #killedBecause: string | undefined;

  constructor({ number, place, change, owner, label }: WorkerProcessOptions) {
    this.number = number;
    this.place = place;
    this.applied = change;
    this.#child = fork(PROGRAM, [String(place), label], {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.has(name))),
      execArgv: process.execArgv.filter((argument) => !argument.startsWith("--inspect")),
      serialization: "advanced",
    });
    this.#child.on("message", (message: FromWorker) => {
      this.#unanswered = 0;
      if (message.type === "alive") this.#connections = message.connections;
      else if (message.type === "stats") {
        this.#functions.push(...message.functions);
        if (message.rest !== undefined) this.#hasCounted(message.rest);
      } else owner.heard(this, message);
    });
    this.exited = new Promise((resolve) => {
      let isOver = false;
      const end = (how: string) => {
        if (isOver) return;
        isOver = true;
        this.isReady = false;
        resolve();
        owner.ended(this, this.#killedBecause ?? how);
      };
      this.#child.once("error", (error) => {
        if (this.#child.pid === undefined) end(`could not be started: ${error.message}`);
      });
      this.#child.once("exit", (code, signal) =>
        end(signal ? `ended by ${signal}` : `exited with code ${code}`),
      );
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Connections that it has, as far as is known. */
  get connections(): number {
    return this.#connections;
  }

  get takesConnections(): boolean {
    return this.isReady && this.#child.connected && this.#onTheWay < CONNECTIONS_ON_THE_WAY;
  }

  send(message: ToWorker): void {
    // One that ends just now is told by `ended`.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Gives it a connection, which must be paused; `sent` is called when it is on its way no more. */
  hand(connection: Socket, sent: () => void): void {
    this.#connections++;
    this.#onTheWay++;
    this.#child.send({ type: "connection" } satisfies ToWorker, connection, { keepOpen: false }, (error) => {
      this.#onTheWay--;
      if (error) connection.destroy();
      sent();
    });
  }

  /** Resolves when `stats` is what it counted until now, or after a deadline. */
  async count(): Promise<void> {
    if (!this.isReady) return;
    if (this.#counting === undefined) {
      this.#counting = Promise.withResolvers<void>();
      this.send({ type: "count" });
    }
    const { promise } = this.#counting;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, COUNT_MS);
    await Promise.race([promise, late, this.exited]);
    clearTimeout(timer);
  }

  #hasCounted(rest: WorkerTotals): void {
    this.stats = { functions: this.#functions, ...rest };
    this.#functions = [];
    this.#counting?.resolve();
    this.#counting = undefined;
  }

  /** Asks whether it is alive; ends it if it did not answer for long. Called once a second. */
  look(): void {
    if (++this.#unanswered > UNANSWERED) this.kill(`answered nothing for ${UNANSWERED} s and was ended`);
    else this.send({ type: "ping" });
  }

  kill(because: string): void {
    this.#killedBecause ??= because;
    this.#child.kill("SIGKILL");
  }
}

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** Time after which a worker that ends has been a healthy one. */
const HEALTHY_MS = 10_000;

/** Ends of workers in a row, and how long to wait until the next start. */
export class Restarts {
  #failures = 0;

  /** A worker ended after this time; gives the time to wait, 0 for the first in a row. */
  afterMs(livedMs: number): number {
    if (livedMs >= HEALTHY_MS) this.#failures = 0;
    const failures = this.#failures++;
    return failures === 0 ? 0 : Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** (failures - 1));
  }
}
