import { randomInt } from "node:crypto";
import type { Limits } from "../../platform/limits.ts";
import { RetentionTimer } from "../retention-timer.ts";
import { SqlCalls } from "../sql/calls/sql-calls.ts";
import { SHARDS } from "../sql/calls/totals.ts";
import { SqlRuns } from "../sql/flows/sql-runs.ts";
import { auditLog, usageLedger } from "../sql/ledgers.ts";
import { timers } from "../sql/timers/timers.ts";
import { SqlTopics } from "../sql/topics/sql-topics.ts";
import type { Work } from "../sql/work.ts";
import { type RunWork, WORKS, type WorkName } from "../sql/works.ts";
import type { Store } from "../store.ts";
import { Database, type DatabaseOptions } from "./database.ts";
import { removeOldLines } from "./log-chunks.ts";
import { removeOldSources } from "./log-sources.ts";
import { PostgresBodies } from "./postgres-bodies.ts";
import { PostgresLogs } from "./postgres-logs.ts";
import { PostgresRepositories } from "./postgres-repositories.ts";
import { checkStoreUrl } from "./store-url.ts";

/** Transactions of a kind at a time: more would hold smaller batches. */
const LANES = 4;

/** Works that keep a worker or an engine alive. They must not wait for a connection behind uploads. */
const BEATS = new Set<WorkName>([
  ...(["beatWorker", "workerBeats", "reclaimCalls", "leaveWorker"] as const),
  ...(["beatEngine", "engineBeats", "freeRuns"] as const),
]);

export interface PostgresStoreOptions extends Omit<DatabaseOptions, "connections"> {
  readonly limits: Pick<Limits, "logAgeMs" | "logBytes" | "callAgeMs" | "runAgeMs" | "runsKept">;
}

/** Usage, audit, lines of functions, events and git repositories in PostgreSQL. Any number of programs share it. */
export class PostgresStore implements Store {
  readonly #options: PostgresStoreOptions;
  readonly #database: Database;
  /** Connects with the first beat. */
  readonly #beats: Database;
  readonly #retention: RetentionTimer;
  readonly #run: RunWork = (name, ...args) =>
    (BEATS.has(name) ? this.#beats : this.#database).run(() =>
      (WORKS[name] as (...args: readonly unknown[]) => Work<never>)(...args),
    );
  readonly usage = usageLedger(this.#run);
  readonly audit = auditLog(this.#run);
  readonly #shard = randomInt(SHARDS);
  readonly calls = new SqlCalls({ run: this.#run, lanes: LANES, shard: this.#shard });
  readonly topics = new SqlTopics(this.#run, this.#shard);
  readonly timers = timers(this.#run, this.#shard);
  readonly runs = new SqlRuns({ run: this.#run, lanes: LANES, shard: this.#shard });
  readonly bodies = new PostgresBodies(this.#run);
  readonly repositories = new PostgresRepositories(this.#run);
  readonly logs: PostgresLogs;

  /**
   * Connects with the first request.
   * @throws Error for the terminal if the URL is not one of PostgreSQL
   */
  constructor(options: PostgresStoreOptions) {
    checkStoreUrl(options.url);
    this.#options = options;
    this.#database = new Database(options);
    this.#beats = new Database({ ...options, connections: 1 });
    this.logs = new PostgresLogs(this.#database, options.limits.logBytes);
    this.#retention = new RetentionTimer(
      () => this.removeOld(new Date()),
      (error) => options.print(`old entries of the store were not removed: ${error.message}`),
    );
  }

  /** Removes a batch of what is too old at `now`. Returns whether more is left. */
  async removeOld(now: Date): Promise<boolean> {
    const { logAgeMs, logBytes, callAgeMs, runAgeMs, runsKept } = this.#options.limits;
    const before = new Date(now.getTime() - logAgeMs);
    const more = [
      await this.#database.run(() => removeOldLines(before, logBytes)),
      await this.#database.run(() => removeOldSources(before)),
      await this.calls.removeOld(now.getTime() - callAgeMs),
      await this.runs.removeOld({ before: now.getTime() - runAgeMs, most: runsKept }),
      await this.bodies.removeOld(now),
      await this.repositories.removeOld(now),
      await this.#run("removeOld", now),
    ];
    return more.includes(true);
  }

  async close(): Promise<void> {
    await this.#retention.close();
    await Promise.all([this.#database.close(), this.#beats.close()]);
  }
}
