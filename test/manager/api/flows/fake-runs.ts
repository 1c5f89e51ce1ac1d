import type { ManagerStore } from "../../../../manager/api/services.ts";
import type { Entry } from "../../../../platform/flows/run/entry.ts";
import { Problem } from "../../../../platform/problems.ts";
import type {
  FlowTotals,
  FlowVersion,
  NewFlowVersion,
  NewSignal,
  RunQuery,
  RunRecord,
} from "../../../../store/flows/runs.ts";

/** Runs in memory, without an engine: signals are kept as they come. */
export class FakeRuns {
  readonly kept: FlowVersion[] = [];
  records: RunRecord[] = [];
  readonly streams = new Map<string, readonly Entry[]>();
  readonly signals: NewSignal[] = [];
  readonly reopened: NewSignal[] = [];
  totals: FlowTotals[] = [];
  isAway = false;

  asStore(more: object = {}): ManagerStore {
    const answer = async <T>(value: () => T): Promise<T> => {
      if (!this.isAway) return value();
      throw new Problem("store_unavailable", "The store is away.", { retryAfterS: 1 });
    };
    const live = (id: string) => this.records.some((each) => each.id === id && each.endedAt === undefined);
    return {
      usage: {},
      audit: { append: async () => {} },
      runs: {
        totals: () => answer(() => this.totals),
        list: (query: RunQuery) => answer(() => this.#list(query)),
        get: (id: string) => answer(() => this.records.find((each) => each.id === id)),
        entries: (id: string, after: number, limit: number) =>
          answer(() => (this.streams.get(id) ?? []).slice(after, after + limit)),
        signal: (signals: readonly NewSignal[]) =>
          answer(() =>
            signals.map((signal) => {
              const isLive = live(signal.run);
              if (isLive) this.signals.push(signal);
              return isLive;
            }),
          ),
        reopen: (signal: NewSignal) =>
          answer(() => {
            const isEnded = this.records.some(
              ({ id, endedAt }) => id === signal.run && endedAt !== undefined,
            );
            if (isEnded) this.reopened.push(signal);
            return isEnded;
          }),
        remove: (id: string) =>
          answer(() => {
            const before = this.records.length;
            this.records = this.records.filter((each) => each.id !== id || each.endedAt === undefined);
            return this.records.length < before;
          }),
        versions: {
          add: (version: NewFlowVersion) => answer(() => this.#addVersion(version)),
          list: (flow: string) => answer(() => this.#versionsOf(flow)),
          get: (flow: string, version: number) =>
            answer(() => this.#versionsOf(flow).find((each) => each.version === version)),
          remove: (flow: string) =>
            answer(
              () => void this.kept.splice(0, Infinity, ...this.kept.filter((each) => each.flow !== flow)),
            ),
        },
      },
      ...more,
    } as unknown as ManagerStore;
  }

  #list({ flow, states, acceptedSince = 0, acceptedUntil = Infinity, after, limit }: RunQuery): RunRecord[] {
    return this.records
      .filter((each) => flow === undefined || each.flow === flow)
      .filter((each) => states?.includes(each.state) ?? true)
      .filter((each) => each.acceptedAt >= acceptedSince && each.acceptedAt < acceptedUntil)
      .filter((each) => after === undefined || each.id < after)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }

  #versionsOf(flow: string): FlowVersion[] {
    return this.kept.filter((each) => each.flow === flow).reverse();
  }

  #addVersion(version: NewFlowVersion): number {
    const newest = this.#versionsOf(version.flow)[0];
    if (newest?.hash === version.hash) return newest.version;
    const number = (newest?.version ?? 0) + 1;
    this.kept.push({ ...version, version: number });
    return number;
  }
}
