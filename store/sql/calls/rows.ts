/** Calls as rows, and rows as calls. */
import type {
  Answer,
  Attempt,
  CallOrigin,
  CallRecord,
  CallTarget,
  NewCall,
  StoredRequest,
} from "../../call.ts";
import type { LeasedCall } from "../../calls.ts";
import { bodyOf, bodyValues } from "../body-columns.ts";
import type { Row, Value } from "../work.ts";

/** Columns of live and of ended calls. */
export const SHARED_COLUMNS = `id, queue, priority, due_at, order_key, accepted_at, "function", origin_kind, origin_name, key_id,
  keeps_record, spec, body, body_id, body_bytes, epoch, attempts, attempts_list, round_attempts, round_at`;

/** `SHARED_COLUMNS` for a SELECT, with other values for some of them. */
export function sharedColumns(values: Readonly<Record<string, string>>): string {
  return SHARED_COLUMNS.replaceAll(/\w+/g, (column) => values[column] ?? column);
}

const HEAD =
  "id, queue, priority, due_at, order_key, accepted_at, keeps_record, spec, body_bytes, attempts_list";

/** The columns of heads: bodies may be long. */
export const HEAD_COLUMNS = {
  calls: `${HEAD}, state, started_at`,
  ended_calls: `${HEAD}, state, ended_at, reason, answer, answer_body_bytes`,
} as const;

/** What nobody searches for, as JSON. */
type Spec = Pick<
  NewCall,
  "target" | "policy" | "origin" | "callback" | "by" | "keyId" | "traceparent" | "tracestate"
> & {
  readonly request: Omit<NewCall["request"], "body">;
  /** Scope and key of its idempotency. */
  readonly once?: readonly [scope: string, key: string] | undefined;
};

/** Values of `SHARED_COLUMNS` for a call without attempts. */
export function newValues(call: NewCall): Value[] {
  const { origin, request } = call;
  const { body, ...head } = request;
  const { target, policy, callback, by, keyId, traceparent, tracestate, idempotency } = call;
  const spec: Spec = {
    target,
    policy,
    origin,
    callback,
    by,
    keyId,
    traceparent,
    tracestate,
    request: head,
    once: idempotency && [idempotency.scope, idempotency.key],
  };
  return [
    call.id,
    call.queue,
    call.priority,
    call.dueAt,
    call.orderKey,
    call.acceptedAt,
    functionOf(target),
    origin.kind,
    originName(origin),
    keyId ?? "",
    call.keepsRecord ? 1 : 0,
    JSON.stringify(spec),
    ...bodyValues(body),
    0,
    0,
    "[]",
    0,
    call.acceptedAt,
  ];
}

function functionOf(target: CallTarget): string {
  return "function" in target ? target.function : "";
}

function originName(origin: CallOrigin): string {
  if (origin.kind === "callback") return origin.call;
  return origin.kind === "api" ? "" : origin.name;
}

/** Scope and key of the idempotency of a call. */
export function onceOf(row: Row): Spec["once"] {
  return (JSON.parse(row.spec as string) as Spec).once;
}

/** Reads a body from the columns `body`, `body_id` and `body_bytes`, as far as there are. */
type ReadBody<Body> = (row: Row) => Body;

type CallWith<Body> = Omit<NewCall, "idempotency" | "request"> & { readonly request: StoredRequest<Body> };

export function sizeOf({ body_bytes }: Row): { readonly bytes: number } {
  return { bytes: Number(body_bytes) };
}

/** The call of a row of either table. */
function callOf<Body>(row: Row, bodyOf: ReadBody<Body>): CallWith<Body> {
  const { request, once, ...spec } = JSON.parse(row.spec as string) as Spec;
  return {
    ...spec,
    id: row.id as string,
    queue: row.queue as string,
    request: { ...request, body: bodyOf(row) },
    acceptedAt: Number(row.accepted_at),
    dueAt: Number(row.due_at),
    priority: Number(row.priority),
    orderKey: row.order_key as string,
    keepsRecord: Number(row.keeps_record) === 1,
  };
}

export function leasedCallOf(row: Row): LeasedCall {
  return {
    ...callOf(row, bodyOf),
    epoch: Number(row.epoch),
    attempt: Number(row.attempts) + 1,
    attemptOfRound: Number(row.round_attempts) + 1,
    roundAt: Number(row.round_at),
  };
}

function attemptsOf(row: Row): readonly Attempt[] {
  return JSON.parse(row.attempts_list as string) as Attempt[];
}

/** JSON of the attempts of a row with one more. */
export function attemptsWith(row: Row, attempt: Attempt | undefined): string {
  return attempt ? JSON.stringify([...attemptsOf(row), attempt]) : (row.attempts_list as string);
}

export function liveRecordOf<Body>(row: Row, bodyOf: ReadBody<Body>): CallRecord<Body> {
  const { keepsRecord, ...call } = callOf(row, bodyOf);
  const isRunning = row.state === "running";
  const record = { ...call, state: isRunning ? "running" : "waiting", attempts: attemptsOf(row) } as const;
  return isRunning ? { ...record, runningSince: Number(row.started_at) } : record;
}

export function endedRecordOf<Body>(row: Row, bodyOf: ReadBody<Body>): CallRecord<Body> {
  const { keepsRecord, ...call } = callOf(row, bodyOf);
  return {
    ...call,
    state: row.state as CallRecord["state"],
    attempts: attemptsOf(row),
    endedAt: Number(row.ended_at),
    ...(row.reason === null ? {} : { reason: row.reason as string }),
    ...(row.answer === null ? {} : { answer: answerOf(row, bodyOf) }),
  };
}

function answerOf<Body>(row: Row, bodyOf: ReadBody<Body>): Answer<Body> {
  const head = JSON.parse(row.answer as string) as Omit<Answer, "body">;
  const body = { body: row.answer_body, body_id: row.answer_body_id, body_bytes: row.answer_body_bytes };
  return { ...head, body: bodyOf(body) };
}

/** Values for the columns of an answer. */
export function answerValues(answer: Answer | undefined): Value[] {
  if (!answer) return [null, null, null, null];
  const { body, ...head } = answer;
  return [JSON.stringify(head), ...bodyValues(body)];
}
