import { dirname, join } from "node:path";
import { draining, Problem } from "../../platform/problems.ts";
import { DatabaseThread } from "../../platform/sqlite/database-thread.ts";
import { RetentionTimer } from "../retention-timer.ts";
import { SqlCalls } from "../sql/calls/sql-calls.ts";
import { SqlRuns } from "../sql/flows/sql-runs.ts";
import { auditLog, usageLedger } from "../sql/ledgers.ts";
import { timers } from "../sql/timers/timers.ts";
import { SqlTopics } from "../sql/topics/sql-topics.ts";
import type { RunWork } from "../sql/works.ts";
import type { Store } from "../store.ts";
import { storeUnavailable } from "../unavailable.ts";
import { toUnavailable } from "./failure.ts";
import { FileBodies } from "./file-bodies.ts";

/** Most requests that wait for the disk. */
const MOST_WAITING = 10_000;
const DEADLINE_MS = 30_000;
const CALL_AGE_MS = 7 * 86_400_000;
const RUN_AGE_MS = 30 * 86_400_000;
const RUNS_KEPT = 100_000;

export interface SqliteStoreOptions {
  /** Long bodies are in the folder `bodies` beside it. */
  readonly file: string;
  /** Age of records of calls, in milliseconds; 7 days by default. */
  readonly callAgeMs?: number;
  /** Age of runs of flows that ended, in milliseconds; 30 days by default. */
  readonly runAgeMs?: number;
  /** Most runs of a flow that ended; 100,000 by default. */
  readonly runsKept?: number;
  /** Logs one line. */
  readonly print: (line: string) => void;
}

/** Usage, audit and events of one machine. A thread of its own has the file, because a commit waits for the disk. */
export class SqliteStore implements Pick<Store, "usage" | "audit" | "close"> {
  /** Rejects if another process has the file, or a newer Skiff wrote it. Requests wait for it. */
  readonly opened: Promise<unknown>;
  readonly #options: SqliteStoreOptions;
  readonly #retention: RetentionTimer;
  #thread: Promise<DatabaseThread>;
  #isClosed = false;
  readonly #run: RunWork = (name, ...args) => this.#ask(name, args) as never;
  readonly usage = usageLedger(this.#run);
  readonly audit = auditLog(this.#run);
  readonly calls = new SqlCalls({ run: this.#run, lanes: 1, shard: 0 });
  readonly topics = new SqlTopics(this.#run, 0);
  readonly timers = timers(this.#run, 0);
  readonly runs = new SqlRuns({ run: this.#run, lanes: 1, shard: 0 });
  readonly bodies: FileBodies;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.bodies = new FileBodies({ folder: join(dirname(options.file), "bodies"), run: this.#run });
    this.#thread = this.#start();
    this.opened = this.#thread;
    // The caller that awaits `opened` handles the error.
    this.opened.catch(() => {});
    this.#retention = new RetentionTimer(
      () => this.removeOld(new Date()),
      (error) => options.print(`old entries of the store were not removed: ${error.message}`),
    );
  }

  /** Removes a batch of what is too old at `now`. Returns whether more is left. */
  async removeOld(now: Date): Promise<boolean> {
    const { callAgeMs = CALL_AGE_MS, runAgeMs = RUN_AGE_MS, runsKept = RUNS_KEPT } = this.#options;
    const more = [
      await this.calls.removeOld(now.getTime() - callAgeMs),
      await this.runs.removeOld({ before: now.getTime() - runAgeMs, most: runsKept }),
      await this.bodies.removeOld(now),
      await this.#run("removeOld", now),
    ];
    return more.includes(true);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#retention.close();
    const thread = await this.#thread.catch(() => undefined);
    if (thread && !thread.hasEnded) await thread.close();
  }

  async #ask(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) throw draining();
    const thread = await this.#running();
    if (thread.waiting >= MOST_WAITING) throw storeUnavailable(`${MOST_WAITING} requests wait for the disk`);
    const late = Promise.withResolvers<never>();
    const why = `the disk did not answer within ${DEADLINE_MS / 1000} s`;
    const timer = setTimeout(() => late.reject(storeUnavailable(why)), DEADLINE_MS);
    try {
      return await Promise.race([thread.ask(method, args), late.promise]);
    } catch (error) {
      if (!thread.hasEnded || error instanceof Problem) throw toUnavailable(error);
      throw storeUnavailable((error as Error).message, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns the thread, or a new one after it died. */
  async #running(): Promise<DatabaseThread> {
    const current = this.#thread;
    const thread = await current.catch((error: Error) => error);
    if (!(thread instanceof Error) && !thread.hasEnded) return thread;
    if (this.#thread === current) this.#thread = this.#start();
    try {
      return await this.#thread;
    } catch (error) {
      throw storeUnavailable((error as Error).message, error);
    }
  }

  #start(): Promise<DatabaseThread> {
    const program = new URL("history-thread.ts", import.meta.url);
    return DatabaseThread.open({ program, file: this.#options.file, what: "the history" });
  }
}
