/** The audit log in SQL. */
import { Problem } from "../../platform/problems.ts";
import type { AuditEntry, AuditQuery } from "../store.ts";
import { sql, type Value, type Work } from "./work.ts";

export function* appendAudit(entry: AuditEntry): Work<void> {
  const { at, by, from, action, target, status, detail, callId } = entry;
  yield sql(
    `INSERT INTO audit (at, "by", "from", action, target, status, detail, call_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    at.getTime(),
    by,
    from,
    action,
    target,
    status,
    detail,
    callId,
  );
}

export function* listAudit(query: AuditQuery): Work<readonly (AuditEntry & { readonly id: string })[]> {
  const values: Value[] = [];
  const where: string[] = [];
  const add = (value: Value, condition: (place: string) => string) =>
    where.push(condition(`$${values.push(value)}`));
  const { since, until, search, of, after, limit } = query;
  if (since) add(since.getTime(), (place) => `at >= ${place}`);
  if (until) add(until.getTime(), (place) => `at < ${place}`);
  if (after !== undefined) add(Number(after), (place) => `id < ${place}`);
  if (of) {
    add(of.action, (place) => `action = ${place}`);
    add(of.target, (place) => `target = ${place}`);
  }
  if (search !== undefined) {
    const pattern = `%${search.replace(/[\\%_]/g, "\\$&")}%`;
    const isIn = (column: string, place: string) => `lower(${column}) LIKE lower(${place}) ESCAPE '\\'`;
    add(pattern, (place) => `(${isIn('"by"', place)} OR ${isIn("target", place)})`);
  }
  const condition = where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`;
  const text = `SELECT * FROM audit ${condition} ORDER BY id DESC LIMIT $${values.push(limit)}`;
  const rows = yield { text, values };
  return rows.map((row) => ({
    id: String(row.id),
    at: new Date(Number(row.at)),
    by: row.by as string,
    from: row.from as string,
    action: row.action as string,
    target: row.target as string,
    status: Number(row.status),
    detail: row.detail as string,
    callId: row.call_id as string,
  }));
}

/** @throws Problem `invalid_request` if `after` is not the id of an entry */
export function checkCursor({ after }: AuditQuery): void {
  if (after === undefined || /^\d{1,15}$/.test(after)) return;
  const detail = `The cursor "${after.slice(0, 80)}" is not the id of an audit entry: use the cursor of the page before.`;
  throw new Problem("invalid_request", detail);
}
