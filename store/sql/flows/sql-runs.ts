import type {
  Append,
  Appended,
  CreatedRun,
  EventWaits,
  FlowVersions,
  NewRun,
  NewSignal,
  RunQuery,
  Runs,
} from "../../flows/runs.ts";
import { Batches } from "../batches.ts";
import { type At, SHARDS } from "../calls/totals.ts";
import type { RunWork } from "../works.ts";
import { type AppendRow, appendRow, signalRow } from "./append-row.ts";
import type { Create } from "./create.ts";
import { newRow } from "./run-rows.ts";

export interface SqlRunsOptions {
  readonly run: RunWork;
  /** Transactions of a kind at a time. */
  readonly lanes: number;
  /** The first row in which this program counts, from 0 to SHARDS - 1. */
  readonly shard: number;
}

/** Most items of one transaction. */
const MOST = 256;

/** Runs in a database. Requests that come together share a transaction. */
export class SqlRuns implements Runs {
  readonly #run: RunWork;
  readonly #shard: number;
  readonly #creates: Batches<Create, readonly CreatedRun[]>;
  readonly #appends: Batches<AppendRow, Appended>;
  readonly waits: EventWaits;
  readonly versions: FlowVersions;

  constructor({ run, lanes, shard }: SqlRunsOptions) {
    this.#run = run;
    this.#shard = shard;
    this.#creates = new Batches({ run: (items, lane) => this.#createAll(items, lane), lanes, most: MOST });
    this.#appends = new Batches({
      run: (items, lane) => {
        const now = Math.max(...items.map((item) => item.now));
        // Not in the rows of creates: they would wait for each other.
        return run("appendRuns", items, this.#at(now, lanes + lane));
      },
      lanes,
      most: MOST,
    });
    this.waits = {
      topics: () => run("waitedTopics"),
      rules: (topic) => run("waitRules", topic),
      find: (topic, rule, equals) => run("findWaits", topic, rule, equals),
      advance: ({ signals, ...move }) => run("advanceWaits", { ...move, signals: signals.map(signalRow) }),
    };
    this.versions = {
      add: (version) => run("addVersion", version),
      get: (flow, version) => run("getVersion", flow, version),
      list: (flow) => run("listVersions", flow),
      remove: (flow) => run("removeVersions", flow),
    };
  }

  async create(runs: readonly NewRun[], options: { readonly now: number; readonly mostLive: number }) {
    return runs.length === 0 ? [] : await this.#creates.add({ ...options, runs: runs.map(newRow) });
  }

  claim(request: Parameters<Runs["claim"]>[0]) {
    return this.#run("claimRuns", request);
  }

  entries(run: string, after: number, limit: number) {
    return this.#run("entriesOf", run, after, limit);
  }

  checkpoint(run: string) {
    return this.#run("checkpointOf", run);
  }

  append(append: Append) {
    return this.#appends.add(appendRow(append));
  }

  signals(owner: string, limit: number) {
    return this.#run("ownSignals", owner, limit);
  }

  async signal(signals: readonly NewSignal[], now: number) {
    return signals.length === 0 ? [] : await this.#run("signalRuns", signals.map(signalRow), this.#at(now));
  }

  reopen(signal: NewSignal, now: number) {
    return this.#run("reopenRun", signalRow(signal), this.#at(now));
  }

  beat(owner: string, now: number, held?: readonly string[]) {
    return this.#run("beatEngine", owner, now, held);
  }

  beats() {
    return this.#run("engineBeats");
  }

  free(request: Parameters<Runs["free"]>[0]) {
    return this.#run("freeRuns", request);
  }

  get(run: string) {
    return this.#run("getRun", run);
  }

  list(query: RunQuery) {
    return this.#run("listRuns", query);
  }

  totals() {
    return this.#run("flowTotals");
  }

  stuck(request: Parameters<Runs["stuck"]>[0]) {
    return this.#run("stuckRuns", request);
  }

  async remove(run: string) {
    return (await this.#run("removeRuns", [run], this.#shard)) > 0;
  }

  removeOld(bounds: Parameters<Runs["removeOld"]>[0]) {
    return this.#run("removeOldRuns", bounds, this.#shard);
  }

  #at(now: number, lane = 0): At {
    return { now, shard: (this.#shard + lane) % SHARDS };
  }

  async #createAll(items: readonly Create[], lane: number): Promise<(readonly CreatedRun[])[]> {
    const now = Math.max(...items.map((item) => item.now));
    const outcomes = await this.#run("createRuns", items, this.#at(now, lane));
    let at = 0;
    return items.map(({ runs }) => {
      at += runs.length;
      return outcomes.slice(at - runs.length, at);
    });
  }
}
