/** The texts that flows had. */
import type { FlowVersion, NewFlowVersion } from "../../flows/runs.ts";
import { type Row, read, sql, type Work } from "../work.ts";

const KEPT = 50;
const HEAD = 'flow, version, hash, at, "by", message';
/** The hash of a text that was removed: its row keeps the number, so that no later text gets it. */
const REMOVED = "";

export function* addVersion({ flow, text, hash, at, by, message }: NewFlowVersion): Work<number> {
  for (;;) {
    const [newest] = yield sql(
      "SELECT version, hash FROM flow_versions WHERE flow = $1 ORDER BY version DESC LIMIT 1 FOR UPDATE",
      flow,
    );
    if (newest?.hash === hash) return Number(newest.version);
    const version = Number(newest?.version ?? 0) + 1;
    const added = yield sql(
      `INSERT INTO flow_versions VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (flow, version) DO NOTHING RETURNING version`,
      ...[flow, version, text, hash, at, by, message ?? null],
    );
    // Another program was first: its text is the newest one now.
    if (added.length === 0) continue;
    yield sql("DELETE FROM flow_versions WHERE flow = $1 AND version <= $2", flow, version - KEPT);
    return version;
  }
}

export function* getVersion(flow: string, version: number): Work<FlowVersion | undefined> {
  const [row] = yield read("SELECT * FROM flow_versions WHERE flow = $1 AND version = $2", flow, version);
  if (row?.hash === REMOVED) return undefined;
  return row && { ...headOf(row), text: row.text as string };
}

/** Newest first. */
export function* listVersions(flow: string): Work<readonly Omit<FlowVersion, "text">[]> {
  const rows = yield read(
    `SELECT ${HEAD} FROM flow_versions WHERE flow = $1 AND hash <> $2 ORDER BY version DESC LIMIT ${KEPT}`,
    ...[flow, REMOVED],
  );
  return rows.map(headOf);
}

export function* removeVersions(flow: string): Work<void> {
  const newest = "(SELECT MAX(version) FROM flow_versions WHERE flow = $1)";
  yield sql(
    `UPDATE flow_versions SET text = '', hash = $2, "by" = '', message = NULL WHERE flow = $1 AND version = ${newest}`,
    ...[flow, REMOVED],
  );
  yield sql(`DELETE FROM flow_versions WHERE flow = $1 AND version < ${newest}`, flow);
}

function headOf(row: Row): Omit<FlowVersion, "text"> {
  return {
    flow: row.flow as string,
    version: Number(row.version),
    hash: row.hash as string,
    at: Number(row.at),
    by: row.by as string,
    ...(row.message !== null && { message: row.message as string }),
  };
}
