/** Runs that wait for events. */
import { createHash } from "node:crypto";
import type { EventWait, EventWaits } from "../../flows/runs.ts";
import { type Row, read, sql, type Value, type Work, withRows } from "../work.ts";
import type { AppendRow, SignalRow } from "./append-row.ts";
import { holdRuns } from "./held-runs.ts";
import { RunCounts } from "./run-totals.ts";
import { insertSignals } from "./signals.ts";

type Rule = Pick<EventWait, "type" | "by">;

const NO_ITEM = -1;

export function* endWaits(appends: readonly AppendRow[]): Work<void> {
  yield* withRows({
    text: `DELETE FROM event_waits USING (VALUES {rows}) AS v
      WHERE run = v.column1 AND step = v.column2 AND item = v.column3`,
    values: [],
    rows: appends.flatMap(({ run, waitsOver }) =>
      waitsOver.map(({ step, item = NO_ITEM }): Value[] => [run, step, item]),
    ),
    types: ["text", "text", "bigint"],
    sqlite: "DELETE FROM event_waits WHERE run = $1 AND step = $2 AND item = $3",
  });
}

export function* beginWaits(appends: readonly AppendRow[]): Work<void> {
  const waits = appends.flatMap((append) => append.waits);
  for (const topic of [...new Set(waits.map((wait) => wait.topic))].sort()) yield* follow(topic);
  const rows = waits.map((wait): [string, Value[]] => {
    const { run, step, item = NO_ITEM, topic, type, by, equals } = wait;
    const values = [run, step, item, topic, type ?? null, by, equals, ruleOf(wait), hashOf(equals)];
    return [JSON.stringify([run, step, item]), values];
  });
  yield* withRows({
    text: `INSERT INTO event_waits VALUES {rows} ON CONFLICT (run, step, item) DO UPDATE SET
      topic = excluded.topic, type = excluded.type, "by" = excluded."by", equals = excluded.equals,
      rule = excluded.rule, value = excluded.value`,
    values: [],
    rows: [...new Map(rows).values()],
  });
}

/** A topic that nobody waited for is followed from its end: an engine looks at what came before by itself. */
function* follow(topic: string): Work<void> {
  yield sql(
    `INSERT INTO wait_positions VALUES ($1, COALESCE((SELECT last_position FROM topics WHERE topic = $1), 0))
     ON CONFLICT (topic) DO UPDATE SET position = excluded.position
       WHERE NOT EXISTS (SELECT 1 FROM event_waits WHERE topic = excluded.topic)`,
    topic,
  );
}

export function* waitedTopics(): Work<Awaited<ReturnType<EventWaits["topics"]>>> {
  // It jumps from topic to topic in the index, so that the number of waits costs nothing.
  const rows = yield read(
    `WITH RECURSIVE waited(topic) AS (
       SELECT MIN(topic) FROM event_waits
       UNION ALL
       SELECT (SELECT MIN(topic) FROM event_waits WHERE topic > waited.topic) FROM waited WHERE waited.topic IS NOT NULL
     ) SELECT wait_positions.* FROM waited JOIN wait_positions ON wait_positions.topic = waited.topic
     ORDER BY wait_positions.topic`,
  );
  return rows.map(({ topic, position }) => ({ topic: topic as string, position: Number(position) }));
}

export function* waitRules(topic: string): Work<readonly Rule[]> {
  const first = (column: string) =>
    `(SELECT ${column} FROM event_waits WHERE topic = $1 AND rule = rules.rule LIMIT 1) AS ${column}`;
  const rows = yield read(
    `WITH RECURSIVE rules(rule) AS (
       SELECT MIN(rule) FROM event_waits WHERE topic = $1
       UNION ALL
       SELECT (SELECT MIN(rule) FROM event_waits WHERE topic = $1 AND rule > rules.rule) FROM rules
       WHERE rules.rule IS NOT NULL
     ) SELECT ${first("type")}, ${first('"by"')} FROM rules WHERE rules.rule IS NOT NULL`,
    topic,
  );
  // A wait that ended between two reads has no rule any more.
  return rows.flatMap(({ type, by }) => (by === null ? [] : [{ ...typeOf(type), by: by as string }]));
}

export function* findWaits(topic: string, rule: Rule, equals: string): Work<readonly EventWait[]> {
  const rows = yield read(
    "SELECT * FROM event_waits WHERE topic = $1 AND rule = $2 AND value = $3 ORDER BY run, step, item",
    topic,
    ruleOf(rule),
    hashOf(equals),
  );
  return rows.map(waitOf);
}

interface Move extends Omit<Parameters<EventWaits["advance"]>[0], "signals"> {
  readonly signals: readonly SignalRow[];
}

export function* advanceWaits({ topic, from, to, signals, now }: Move): Work<boolean> {
  const runs = yield* holdRuns(signals.map(({ run }) => run));
  const moved = yield sql(
    "UPDATE wait_positions SET position = $3 WHERE topic = $1 AND position = $2 RETURNING topic",
    topic,
    from,
    to,
  );
  if (moved.length === 0) return false;
  // Nothing ends with them.
  yield* insertSignals(signals, { runs, counts: new RunCounts(), now });
  return true;
}

function waitOf(row: Row): EventWait {
  return {
    run: row.run as string,
    step: row.step as string,
    ...(Number(row.item) !== NO_ITEM && { item: Number(row.item) }),
    topic: row.topic as string,
    ...typeOf(row.type),
    by: row.by as string,
    equals: row.equals as string,
  };
}

function typeOf(type: unknown): Pick<EventWait, "type"> {
  return type === null ? {} : { type: type as string };
}

function ruleOf({ type, by }: Rule): string {
  return hashOf(JSON.stringify([type ?? null, by]));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
