/** Engines that own runs. */
import type { ClaimedRuns, Runs } from "../../flows/runs.ts";
import { type Row, read, sql, type Work } from "../work.ts";
import { forsakenOf } from "./children.ts";
import { recordOf } from "./run-rows.ts";

/** An engine that got no answer to a claim for this long will not get it. */
const LOST_CLAIM_MS = 60_000;

const FREE = "UPDATE runs SET owner = NULL, claimed_at = NULL, due_at = $1";

export function* claimRuns({ owner, now, limit }: Parameters<Runs["claim"]>[0]): Work<ClaimedRuns> {
  const first = yield read(
    "SELECT due_at FROM runs WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT $1",
    limit + 1,
  );
  const isDue = (row: Row | undefined) => row !== undefined && Number(row.due_at) <= now;
  const due = first.filter(isDue).length;
  const next = first[due];
  const waiting = { nextDueAt: next && Number(next.due_at), isMore: due > limit };
  if (due === 0 || limit === 0 || !(yield* holdEngine(owner)))
    return { ...waiting, runs: [], forsaken: new Set() };
  // Another engine may take some of them at the same time.
  const rows = yield {
    text: `WITH first AS MATERIALIZED (
        SELECT id FROM runs WHERE due_at <= $2 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
      )
      UPDATE runs SET owner = $1, claimed_at = $2, due_at = NULL FROM first WHERE runs.id = first.id RETURNING runs.*`,
    values: [owner, now, limit],
    sqlite: `UPDATE runs SET owner = $1, claimed_at = $2, due_at = NULL
      WHERE id IN (SELECT id FROM runs WHERE due_at <= $2 ORDER BY due_at, id LIMIT $3) RETURNING *`,
  };
  const runs = rows.map(recordOf).sort((a, b) => (a.id < b.id ? -1 : 1));
  const unbegun = runs.filter(({ parent, sequence }) => parent !== undefined && sequence === 1);
  const forsaken = yield* forsakenOf(unbegun.map(({ id }) => id));
  return { ...waiting, runs, forsaken };
}

/** Whether the engine may claim. Nobody takes its runs away before the commit then. */
function* holdEngine(owner: string): Work<boolean> {
  return (yield sql("SELECT owner FROM engines WHERE owner = $1 FOR SHARE", owner)).length > 0;
}

export function* beatEngine(owner: string, now: number, held?: readonly string[]): Work<number> {
  yield sql(
    "INSERT INTO engines VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at",
    owner,
    now,
  );
  if (!held) return 0;
  const claimed = yield sql(
    "SELECT id FROM runs WHERE owner = $1 AND claimed_at < $2 ORDER BY id FOR UPDATE",
    owner,
    now - LOST_CLAIM_MS,
  );
  const known = new Set(held);
  const lost = claimed.map(({ id }) => id as string).filter((id) => !known.has(id));
  if (lost.length > 0) yield sql(`${FREE} WHERE id = ANY($2)`, now, lost);
  return lost.length;
}

/** Engines with runs, and their last beats. */
export function* engineBeats(): Work<readonly { readonly owner: string; readonly beatAt: number }[]> {
  const rows = yield read(
    `SELECT owner, beat_at FROM engines WHERE EXISTS (SELECT 1 FROM runs WHERE owner = engines.owner)`,
  );
  return rows.map((row) => ({ owner: row.owner as string, beatAt: Number(row.beat_at) }));
}

export function* freeRuns({ of, now, limit }: Parameters<Runs["free"]>[0]): Work<number> {
  const owners = yield* ownersOf(of);
  if (owners.length === 0) return 0;
  const rows = yield sql(
    "SELECT id FROM runs WHERE owner = ANY($1) ORDER BY id LIMIT $2 FOR UPDATE",
    owners,
    limit,
  );
  const ids = rows.map(({ id }) => id as string);
  if (ids.length > 0) yield sql(`${FREE} WHERE id = ANY($2)`, now, ids);
  return ids.length;
}

type Of = Parameters<Runs["free"]>[0]["of"];

/** Engines whose runs may be taken. Their rows are locked: one that beats at this moment lives. */
function* ownersOf(of: Of): Work<readonly string[]> {
  if (typeof of === "object" && "length" in of) {
    const beats = new Map(of.map(({ owner, beatAt }) => [owner, beatAt]));
    const rows = yield sql(
      "SELECT owner, beat_at FROM engines WHERE owner = ANY($1) ORDER BY owner FOR UPDATE SKIP LOCKED",
      [...beats.keys()],
    );
    return rows.flatMap((row) => {
      const owner = row.owner as string;
      return Number(row.beat_at) === beats.get(owner) ? [owner] : [];
    });
  }
  const rows = yield sql("SELECT DISTINCT owner FROM runs WHERE owner IS NOT NULL");
  const owners = rows.map(({ owner }) => owner as string);
  return of === "all" ? owners : owners.filter((owner) => owner.startsWith(of.prefix));
}

/** Forgets engines that are gone. */
export function* removeOldEngines(before: number): Work<void> {
  yield sql(
    "DELETE FROM engines WHERE beat_at < $1 AND NOT EXISTS (SELECT 1 FROM runs WHERE owner = engines.owner)",
    before,
  );
}
