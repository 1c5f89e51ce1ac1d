import type { Principal } from "../../../http/access/principal.ts";
import type { CallHead } from "../../../store/call.ts";
import type { Calls } from "../../../store/calls.ts";
import type { Runs } from "../../../store/flows/runs.ts";
import { reaches } from "../calls/visible-calls.ts";
import { entriesOf } from "../runs/entries.ts";

const RECORD = /^[0-9a-f]{32}$/;

/** What a call is part of. */
export interface Origin {
  readonly call: CallHead | undefined;
  readonly run: RunPlace | undefined;
}

/** The attempt of a step that made the call. */
export interface RunPlace {
  readonly flow: string;
  readonly id: string;
  readonly step: string;
  readonly item?: number;
  readonly attempt: number;
}

interface Asked {
  readonly id: string;
  readonly principal: Principal;
  /** The call that the request said it is an attempt of. */
  readonly claimed: string | undefined;
}

/** Returns the asynchronous call with this id, or the one that this call was an attempt of. */
export async function callOf(
  calls: Pick<Calls, "head">,
  { id, principal, claimed }: Asked,
): Promise<CallHead | undefined> {
  const record = RECORD.test(id) ? id : claimed;
  const call = record === undefined ? undefined : await calls.head(record);
  if (call === undefined || !reaches(principal, "read", call)) return undefined;
  // Anybody can send the field: the record decides.
  const isOwn = call.id === id || call.attempts.some(({ callId }) => callId === id);
  return isOwn ? call : undefined;
}

/** Returns the place in a run that made the call. The entries of the run decide whether it did. */
export async function runOf(
  runs: Pick<Runs, "get" | "entries">,
  { id, claimed }: Pick<Asked, "id"> & { readonly claimed: string },
): Promise<RunPlace | undefined> {
  const run = await runs.get(claimed);
  if (run === undefined) return undefined;
  for await (const entry of entriesOf(runs, run.id)) {
    if (entry.kind !== "done" && entry.kind !== "failed") continue;
    const { step, item, attempt } = entry;
    if (entry.callId !== id) continue;
    return { flow: run.flow, id: run.id, step, ...(item === undefined ? {} : { item }), attempt };
  }
  return undefined;
}
