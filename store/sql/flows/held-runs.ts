import type { RunState } from "../../../platform/flows/run/error.ts";
import { sql, type Work } from "../work.ts";
import type { AppendRow } from "./append-row.ts";
import type { NewRow } from "./run-rows.ts";

/** A live run whose row is locked, as the transaction leaves it. */
export interface HeldRun {
  readonly flow: string;
  /** As it was. */
  readonly state: RunState;
  owner: string | null;
  sequence: number;
  isLive: boolean;
}

/** Locks the rows of live runs, in one order everywhere. Comes before everything else in its transaction. */
export function* holdRuns(ids: readonly string[]): Work<Map<string, HeldRun>> {
  const rows = yield sql(
    "SELECT id, flow, state, owner, sequence FROM runs WHERE id = ANY($1) ORDER BY id FOR UPDATE",
    [...new Set(ids)],
  );
  return new Map(
    rows.map((row) => [
      row.id as string,
      {
        flow: row.flow as string,
        state: row.state as RunState,
        owner: row.owner as string | null,
        sequence: Number(row.sequence),
        isLive: true,
      },
    ]),
  );
}

/** A run that the transaction stored. */
export function heldRunOf({ flow, owner, sequence }: NewRow): HeldRun {
  return { flow, owner, sequence, state: "queued", isLive: true };
}

/** Whether the append follows what the run has. The next one of the same transaction follows this one. */
export function takesAppend(run: HeldRun | undefined, append: AppendRow): boolean {
  if (!run?.isLive || run.owner !== append.owner || run.sequence !== append.after) return false;
  run.sequence = append.sequence;
  if (append.endedAt !== undefined) run.isLive = false;
  if (append.isReleased) run.owner = null;
  return true;
}
