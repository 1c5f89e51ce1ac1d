import type { Begun, Entry } from "../../../../platform/flows/run/entry.ts";
import type { RunState } from "../../../../platform/flows/run/error.ts";
import type { RunRow } from "../../../../platform/flows/run/row.ts";
import { newCallId } from "../../../../store/call-id.ts";
import type { Append, Appended, CreatedRun, NewRun, RunRecord, Runs } from "../../../../store/flows/runs.ts";
import type { EventHistory } from "../events.ts";
import type { Harness } from "../subject.ts";

/** When every test begins. */
export const NOON = Date.UTC(2026, 4, 31, 12);

export type RunsStore = EventHistory & { readonly runs: Runs };
export type RunsHarness = Harness<RunsStore>;

export function newRun(of: Partial<NewRun> = {}): NewRun {
  const at = of.acceptedAt ?? NOON;
  const id = of.id ?? newCallId(at, Math.random);
  const flow = of.flow ?? "order";
  const trigger = of.trigger ?? { kind: "api", by: "token" };
  const begun: Begun = {
    ...{ kind: "begun", at, run: id, version: 1, functions: { check: 3 }, trigger, depth: 0 },
    definition: { flow, on: { topics: [], crons: [] }, steps: {}, finally: {}, timeoutMs: 1_000 },
    input: { json: { id: "ä\u0000" } },
    traceparent: "00-1-2-01",
  };
  return { id, flow, version: 1, trigger, begun, acceptedAt: at, by: "token", bodies: [], ...of };
}

export function started(step: string, at = NOON): Entry {
  return { kind: "started", at, step, attempt: 1 };
}

/** What tests do with runs, with what they leave open filled in. */
export class Engine {
  readonly runs: Runs;
  readonly owner: string;
  now = NOON;

  constructor({ runs }: Pick<RunsStore, "runs">, owner = "host/1") {
    this.runs = runs;
    this.owner = owner;
  }

  async create(...runs: readonly NewRun[]): Promise<string[]> {
    const outcomes = await this.runs.create(runs, { now: this.now, mostLive: 1_000_000 });
    return outcomes.map(idOrRefusal);
  }

  async claim(limit = 100): Promise<readonly RunRecord[]> {
    await this.runs.beat(this.owner, this.now);
    return (await this.runs.claim({ owner: this.owner, now: this.now, limit })).runs;
  }

  /** A new run that this engine has. */
  async begin(of: Partial<NewRun> = {}): Promise<RunRecord> {
    await this.create(newRun(of));
    const [run] = await this.claim();
    return run!;
  }

  append(run: Pick<RunRecord, "id" | "sequence">, of: Partial<Append> = {}): Promise<Appended> {
    return this.runs.append({
      ...{ run: run.id, owner: this.owner, after: run.sequence, now: this.now },
      ...{ entries: [started("check", this.now)], row: { state: "running" } },
      ...of,
    });
  }

  /** Ends a run with one entry. */
  end(run: Pick<RunRecord, "id" | "sequence">, state: RunState = "done", of: Partial<Append> = {}) {
    const at = this.now;
    const entry = { kind: "ended", at, state, output: { json: 1 }, by: "token" } as Entry;
    const row: RunRow = { state, endedAt: at };
    return this.append(run, { entries: [entry], row, ...of });
  }

  /** Releases a run. */
  release(run: Pick<RunRecord, "id" | "sequence">, row: Partial<RunRow> = {}) {
    return this.append(run, { row: { state: "waiting", ...row }, isReleased: true });
  }
}

export function idOrRefusal(outcome: CreatedRun): string {
  return "id" in outcome ? outcome.id : outcome.refused;
}
