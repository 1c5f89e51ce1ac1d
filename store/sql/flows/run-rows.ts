/** Runs as rows, and rows as runs. What is JSON is written before the transaction, by the program that asks for it. */
import type { Trigger } from "../../../platform/flows/run/entry.ts";
import type { RunState } from "../../../platform/flows/run/error.ts";
import type { RunRow } from "../../../platform/flows/run/row.ts";
import type { NewRun, RunRecord } from "../../flows/runs.ts";
import type { Row, Value } from "../work.ts";

/** Columns of live and of ended runs. */
export const RUN_COLUMNS = "id, flow, version, parent, accepted_at, changed_at, sequence, spec, shown, state";

/** What never changes and nobody searches for, as JSON. */
type Spec = Pick<NewRun, "trigger" | "parent" | "by" | "keyId"> & {
  /** Scope and key of its idempotency. */
  readonly once?: readonly [scope: string, key: string] | undefined;
};

/** A new run for its rows. */
export interface NewRow {
  readonly id: string;
  readonly flow: string;
  readonly idempotency: NewRun["idempotency"];
  readonly bodies: readonly string[];
  readonly owner: string | null;
  /** Number of its last entry. */
  readonly sequence: number;
  /** Of `RUN_COLUMNS`, owner, claimed_at and due_at. */
  readonly values: readonly Value[];
  readonly entries: string;
}

export function newRow(run: NewRun): NewRow {
  const { id, flow, version, parent, acceptedAt, begun, owned, idempotency, bodies } = run;
  const { trigger, by, keyId } = run;
  const once = idempotency && ([idempotency.scope, idempotency.key] as const);
  const spec: Spec = { trigger: headOf(trigger), parent, by, keyId, once };
  const entries = [begun, ...(owned?.entries ?? [])];
  const { state, ...shown } = owned?.row ?? { state: "queued" };
  const owner = owned?.owner ?? null;
  const sequence = entries.length;
  const head = [id, flow, version, parent?.run ?? "", acceptedAt, acceptedAt, sequence];
  const times = owned ? [acceptedAt, null] : [null, acceptedAt];
  const values = [...head, JSON.stringify(spec), JSON.stringify(shown), state, owner, ...times];
  return { id, flow, idempotency, bodies, owner, sequence, values, entries: JSON.stringify(entries) };
}

/** A list of runs must not read what each of them got. */
function headOf(trigger: Trigger): Trigger {
  if (trigger.kind === "http") return { ...trigger, request: { ...trigger.request, headers: {} } };
  if (trigger.kind !== "topic") return trigger;
  const { data, ...event } = trigger.event;
  return { ...trigger, event };
}

/** The run of a row of either table. */
export function recordOf(row: Row): RunRecord {
  const { once, ...spec } = JSON.parse(row.spec as string) as Spec;
  const shown = JSON.parse(row.shown as string) as Omit<RunRow, "state">;
  return {
    ...spec,
    ...shown,
    id: row.id as string,
    flow: row.flow as string,
    version: Number(row.version),
    state: row.state as RunState,
    acceptedAt: Number(row.accepted_at),
    changedAt: Number(row.changed_at),
    sequence: Number(row.sequence),
    ...((row.ended_at ?? null) !== null && { endedAt: Number(row.ended_at) }),
  };
}

/** The run that the run of a row is a step of. */
export function parentOf(row: Row): NewRun["parent"] {
  return (JSON.parse(row.spec as string) as Spec).parent;
}

/** Scope and key of the idempotency of a run. */
export function onceOf(row: Row): Spec["once"] {
  return (JSON.parse(row.spec as string) as Spec).once;
}
