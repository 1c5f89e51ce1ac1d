/** Calls for workers. */
import type { Leased, LeaseRequest } from "../../calls.ts";
import { type Row, read, sql, type Work, withRows } from "../work.ts";
import { DUE_QUEUES } from "./due-queues.ts";
import { leasedCallOf } from "./rows.ts";
import { roomsOf, shareOut } from "./shares.ts";

/** Delayed calls that become ready in one transaction. */
const PROMOTED_AT_ONCE = 1_000;

export function* leaseCalls(request: LeaseRequest): Work<Leased> {
  const { owner, now, limit } = request;
  let waiting = yield* look();
  if (isDue(waiting, now)) {
    yield* promote(now);
    waiting = yield* look();
  }
  const { queues, nextDueAt } = waiting;
  let rooms = roomsOf(queues, request);
  const isFull = rooms.some(({ room }) => room <= 0);
  rooms = rooms.filter(({ room }) => room > 0);
  const rows: Row[] = [];
  let isMore = isFull || isDue(waiting, now) || (limit <= 0 && rooms.length > 0);
  if (limit > 0 && rooms.length > 0 && (yield* holdWorker(owner))) {
    // A queue that has fewer calls than its share leaves the rest to the others.
    while (rooms.length > 0 && rows.length < limit) {
      const shares = shareOut(rooms, limit - rows.length);
      const taken = yield* take(request, shares);
      rows.push(...taken);
      const counts = Map.groupBy(taken, ({ queue }) => queue as string);
      const short = new Set(
        shares
          .filter(({ queue, share }) => (counts.get(queue)?.length ?? 0) < share)
          .map(({ queue }) => queue),
      );
      for (const each of rooms) each.room -= counts.get(each.queue)?.length ?? 0;
      rooms = rooms.filter(({ queue }) => !short.has(queue));
      isMore ||= rooms.some(({ room }) => room === 0);
      if (rows.length < limit) rooms = rooms.filter(({ room }) => room > 0);
    }
    isMore ||= rooms.length > 0;
  }
  return { calls: rows.sort(inOrder).map(leasedCallOf), nextDueAt, isMore };
}

interface Waiting {
  readonly queues: readonly string[];
  readonly nextDueAt: number | undefined;
}

/** What a worker that finds nothing to do reads, and all that it does. */
function* look(): Work<Waiting> {
  const rows = yield read(
    `WITH RECURSIVE ${DUE_QUEUES} SELECT queue, 0 AS due_at FROM due WHERE queue IS NOT NULL
     UNION ALL SELECT NULL, MIN(due_at) FROM calls WHERE state = 'delayed'`,
  );
  const next = rows.find(({ queue }) => queue === null)!.due_at;
  return {
    queues: rows.flatMap(({ queue }) => (queue === null ? [] : [queue as string])),
    nextDueAt: next === null ? undefined : Number(next),
  };
}

function isDue({ nextDueAt }: Waiting, now: number): boolean {
  return nextDueAt !== undefined && nextDueAt <= now;
}

function* promote(now: number): Work<void> {
  yield sql(
    `WITH first AS MATERIALIZED (
       SELECT seq FROM calls WHERE state = 'delayed' AND due_at <= $1
       ORDER BY due_at LIMIT ${PROMOTED_AT_ONCE} FOR UPDATE SKIP LOCKED
     )
     UPDATE calls SET state = 'ready' FROM first WHERE calls.seq = first.seq`,
    now,
  );
}

/** Whether the worker may lease. Nobody takes its leases away before the commit then. */
function* holdWorker(owner: string): Work<boolean> {
  const rows = yield sql("SELECT owner FROM call_workers WHERE owner = $1 AND is_lost = 0 FOR SHARE", owner);
  return rows.length > 0;
}

/** Another worker may have taken some of them at the same time: it gets the next ones then. */
function* take(
  { owner, now }: LeaseRequest,
  shares: readonly { readonly queue: string; readonly share: number }[],
): Work<readonly Row[]> {
  // The age of a delivery counts from its first turn: it is not the event's fault that a subscription is slow or paused.
  const roundAt = "CASE WHEN epoch = 0 AND origin_kind = 'subscription' THEN $2 ELSE round_at END";
  const set = `SET state = 'running', owner = $1, started_at = $2, epoch = epoch + 1, round_at = ${roundAt}`;
  const first = (
    queue: string,
    most: string,
  ) => `SELECT seq FROM calls WHERE state = 'ready' AND queue = ${queue}
    ORDER BY priority DESC, due_at, seq LIMIT ${most}`;
  return yield* withRows({
    text: `WITH first AS MATERIALIZED (
        SELECT each.seq FROM (VALUES {rows}) AS share
        CROSS JOIN LATERAL (${first("share.column1", "share.column2")} FOR UPDATE SKIP LOCKED) AS each
      )
      UPDATE calls ${set} FROM first WHERE calls.seq = first.seq RETURNING calls.*`,
    values: [owner, now],
    rows: shares.map(({ queue, share }) => [queue, share]),
    types: ["text", "bigint"],
    sqlite: `UPDATE calls ${set} WHERE seq IN (${first("$3", "$4")}) RETURNING *`,
  });
}

function inOrder(a: Row, b: Row): number {
  const by = (column: string) => Number(a[column]) - Number(b[column]);
  return -by("priority") || by("due_at") || by("seq");
}
