import { type CallDocument, callPath } from "../../api/calls.ts";
import { bytesOf } from "../../api/http.ts";
import { shown } from "../../output/output.ts";
import { pairs } from "../../output/table.ts";
import { duration } from "../../output/time.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

export async function showCall({ api, out }: Task, id: string): Promise<void> {
  const call = await api.json<CallDocument>(callPath(id));
  out.result(call, () => [...pairs(membersOf(call)), ...call.attempts.map(attemptLine)]);
}

function membersOf(call: CallDocument): readonly (readonly [name: string, value: string | undefined])[] {
  const { id, state, reason, method, path, bytes, answer, acceptedAt, dueAt, endedAt, orderKey } = call;
  return [
    ["id", id],
    ["state", reason === undefined ? state : `${state}: ${shown(reason)}`],
    ["request", shown(`${method} ${targetOf(call)}${path}, ${bytes} bytes`)],
    ["origin", shown(originOf(call))],
    ["by", shown(call.by)],
    ["key", orderKey === undefined ? undefined : shown(orderKey)],
    ["accepted", acceptedAt],
    ["due", Date.parse(dueAt) > Date.parse(acceptedAt) ? dueAt : undefined],
    ["ended", endedAt],
    ["answer", answer && `${answer.status}, ${answer.bytes} bytes${answer.isCut ? ", cut" : ""}`],
  ];
}

function originOf({ origin }: CallDocument): string {
  const { kind, name, topic, event, at, call } = origin;
  const details = Object.entries({ topic, event, at, call }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${value}`],
  );
  return [name === undefined ? kind : `${kind} ${name}`, ...details].join(", ");
}

function attemptLine({
  number,
  startedAt,
  endedAt,
  status,
  error,
  callId,
}: CallDocument["attempts"][number]) {
  const took = duration(Date.parse(endedAt) - Date.parse(startedAt));
  const outcome = [status, error && shown(error)].filter(Boolean).join(" ") || "no answer";
  return `attempt ${number}: ${startedAt}, ${took}, ${outcome}${callId === undefined ? "" : ` (${callId})`}`;
}

export async function printResult({ api, out }: Task, id: string): Promise<void> {
  const answer = await api.open(callPath(id, "/result"), {});
  const bytes = await bytesOf(answer);
  if (answer.status === 202) throw new UsageError(`The call ${id} has not ended: try again later.`);
  const status = Number(answer.headers["skiff-status"]);
  if (out.json) out.result({ status, body: bytes.toString() }, () => []);
  else out.write(bytes);
}

export async function printLogs({ api, out }: Task, id: string): Promise<void> {
  const accept = out.json ? "application/x-ndjson" : "text/plain";
  out.write(await api.text(callPath(id, "/logs"), { headers: { accept } }));
}

export function targetOf({ function: name, version, url }: CallDocument): string {
  if (name === undefined) return url ?? "";
  return version === undefined ? name : `${name}@${version}`;
}
