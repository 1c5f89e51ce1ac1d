import type { Exchanged } from "../../../calling/exchange.ts";
import type { ReceivedHead } from "../../../calling/sent.ts";
import { fieldOf } from "../../../http/fields.ts";
import type { StepError } from "../../../platform/flows/run/error.ts";
import type { AttemptResult } from "../../../platform/flows/run/machine.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import { INLINE_BYTES } from "../../../store/bodies.ts";
import type { Values } from "../values.ts";

export interface Exchange {
  readonly kind: "fn" | "http" | "exec";
  /** Names it in errors, such as `The function "charge"`. */
  readonly what: string;
  /** Most bytes of the answer. */
  readonly mostBytes: number;
  readonly values: Values;
  /** Whether this program knows the function. */
  readonly isKnown: boolean;
}

/**
 * Statuses of problems that are not the step's fault if nothing has got the call: the router is full or stops, a quota is used up, or
 * no instance was free.
 */
const REFUSALS = new Set([401, 403, 429, 503, 504]);
/** Codes of problems for which a policy of retries has a name of its own. */
const TYPES: ReadonlyMap<string, string> = new Map([["call_timeout", "timeout"]]);
const MESSAGE_CHARACTERS = 500;

/** Returns what became of an attempt. Rejects if the store is away. */
export async function resultOf({ sent, answer, callId }: Exchanged, of: Exchange): Promise<AttemptResult> {
  if ("postponed" in sent) return refused("store_unavailable");
  if ("forbidden" in sent) return failed({ type: "forbidden", message: sent.forbidden }, true);
  if ("unreached" in sent && of.kind !== "http") return refused("not_ready");
  if (!("response" in sent)) {
    const message = "unreached" in sent ? sent.unreached : sent.broken;
    return failed({ type: "connection", message: `${of.what}: ${message}` });
  }
  const { response } = sent;
  const refusal = refusalOf(response, of);
  if (refusal !== undefined) return refusal;
  const { status, retryAfterMs } = response;
  if (!isSuccess(status, of)) {
    const type = typeOf(response, answer === undefined ? undefined : problemOf(answer));
    const message = messageOf(response, of, answer === undefined ? undefined : problemOf(answer));
    return { error: { type, status, message }, callId, retryAfterMs };
  }
  const { headers, body, isCut } = answer!;
  if (isCut) return { error: cutError(of, body), callId, isFinal: isTooLarge(of, body) };
  const encoding = fieldOf(headers, "content-encoding");
  const type = fieldOf(headers, "content-type");
  const isPlain = encoding === undefined || encoding === "identity";
  const output = await of.values.keepBody(body, isPlain ? type : undefined);
  return of.kind === "exec" ? commandResult(output, of, callId) : { output, callId };
}

function refusalOf({ status, code, isUnforwarded, retryAfterMs = 0 }: ReceivedHead, of: Exchange) {
  if (code === undefined || of.kind === "http") return undefined;
  if (of.kind === "exec") return status === 429 || status === 503 ? refused(code, retryAfterMs) : undefined;
  if (!isUnforwarded) return undefined;
  // A router may learn of a function later than this program.
  const isLate = code === "unknown_function" && of.isKnown;
  return isLate || REFUSALS.has(status) ? refused(code, retryAfterMs) : undefined;
}

function refused(code: string, retryAfterMs = 0): AttemptResult {
  return { refused: code, retryAfterMs };
}

function failed(error: StepError, isFinal = false): AttemptResult {
  return { error, isFinal };
}

/** Redirects of URLs are not followed: they could lead to an address that is not allowed. */
function isSuccess(status: number, { kind }: Exchange): boolean {
  return status >= 200 && status < (kind === "http" ? 300 : 400);
}

function typeOf({ status, code }: ReceivedHead, problem: ProblemText | undefined): string {
  if (code !== undefined) return TYPES.get(code) ?? code;
  return problem?.code ?? (status >= 500 ? "server_error" : "client_error");
}

function messageOf(
  { status, code, text }: ReceivedHead,
  { what }: Exchange,
  problem: ProblemText | undefined,
) {
  const shown = (problem?.detail ?? text).trim().slice(0, MESSAGE_CHARACTERS);
  if (code !== undefined && shown !== "") return shown;
  return `${what} answered ${status}${shown === "" ? "." : `: ${shown}`}`;
}

interface ProblemText {
  readonly code?: string;
  readonly detail?: string;
}

/** What a problem document (RFC 9457) of a function says. */
function problemOf({ headers, body }: NonNullable<Exchanged["answer"]>): ProblemText | undefined {
  if (!("inline" in body) || !/json/i.test(fieldOf(headers, "content-type") ?? "")) return undefined;
  try {
    const document: unknown = JSON.parse(Buffer.from(body.inline).toString());
    if (typeof document !== "object" || document === null) return undefined;
    const { code, detail, title } = document as Readonly<Record<string, unknown>>;
    const shown = typeof detail === "string" ? detail : title;
    return {
      ...(typeof code === "string" && code !== "" ? { code: code.slice(0, 100) } : {}),
      ...(typeof shown === "string" ? { detail: shown } : {}),
    };
  } catch {
    return undefined;
  }
}

type StoredAnswer = NonNullable<Exchanged["answer"]>["body"];

/** What is cut below the limit was cut because the store was away. */
function isTooLarge({ mostBytes }: Exchange, body: StoredAnswer): boolean {
  return "id" in body || mostBytes <= INLINE_BYTES;
}

function cutError(of: Exchange, body: StoredAnswer): StepError {
  if (!isTooLarge(of, body))
    return {
      type: "store_unavailable",
      status: 503,
      message: `${of.what} answered, and the store was away, so that the answer is lost.`,
    };
  const most = formatBytes(of.mostBytes);
  const message = `${of.what} answered more than ${most} (SKIFF_MAX_BODY): make the answer smaller.`;
  return { type: "output_too_large", message };
}

/** A command that exits with another code than 0 has failed. */
function commandResult(
  output: Awaited<ReturnType<Values["keepBody"]>>,
  { what, values }: Exchange,
  callId: string | undefined,
): AttemptResult {
  const value = "json" in output ? output : values.cached(output);
  const { exitCode, error, errors, output: text } = (value?.json ?? {}) as Readonly<Record<string, unknown>>;
  if (error === "output_too_large") {
    const message = `${what} wrote more than SKIFF_EXEC_OUTPUT allows: make its output smaller.`;
    return { error: { type: "output_too_large", message }, callId, isFinal: true };
  }
  if (exitCode === 0) return { output, callId };
  const last = [errors, text].find((each) => typeof each === "string" && each.trim() !== "") as
    | string
    | undefined;
  const shown = last === undefined ? "." : `: ${last.trim().slice(-MESSAGE_CHARACTERS)}`;
  const message = `${what} exited with code ${exitCode}${shown}`;
  return { error: { type: "program_failed", message }, callId };
}
