import type { Exchanged } from "../../../calling/exchange.ts";
import type { ReceivedHead } from "../../../calling/sent.ts";
import { fieldOf } from "../../../http/fields.ts";
import type { KeptValue } from "../../../platform/flows/run/entry.ts";
import type { StepError } from "../../../platform/flows/run/error.ts";
import type { AttemptResult } from "../../../platform/flows/run/machine.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import { INLINE_BYTES } from "../../../store/bodies.ts";
import { TooDeep, type Values } from "../values.ts";

export interface Exchange {
  readonly kind: "fn" | "http" | "exec";
  /** Names it in errors, such as `The function "charge"`. */
  readonly what: string;
  /** Most bytes of the answer. */
  readonly mostBytes: number;
  readonly values: Values;
  /** Whether this program knows the function, and its version. */
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
  if (isRedirect(status))
    return { error: redirected(status, of, answer?.headers ?? []), callId, isFinal: true };
  if (status >= 400) {
    const problem = answer === undefined ? undefined : problemOf(answer);
    const error = { type: typeOf(response, problem), status, message: messageOf(response, of, problem) };
    return { error, callId, retryAfterMs };
  }
  const { headers, body, isCut } = answer!;
  if (isCut) return { error: cutError(of, body), callId, isFinal: isTooLarge(of, body) };
  const encoding = fieldOf(headers, "content-encoding");
  const type = fieldOf(headers, "content-type");
  const isPlain = encoding === undefined || encoding === "identity";
  let output: KeptValue;
  try {
    output = await of.values.keepBody(body, isPlain ? type : undefined);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    const message = `${of.what} answered JSON that ${error.message}.`;
    return { error: { type: "invalid_output", status, message }, callId, isFinal: true };
  }
  return of.kind === "exec" ? commandResult(output, of, callId) : { output, callId };
}

function refusalOf({ status, code, isUnforwarded, retryAfterMs = 0 }: ReceivedHead, of: Exchange) {
  if (code === undefined || of.kind === "http") return undefined;
  if (of.kind === "exec") return status === 429 || status === 503 ? refused(code, retryAfterMs) : undefined;
  if (!isUnforwarded) return undefined;
  // A router may learn of a function or of a version later than this program.
  const isLate = (code === "unknown_function" || code === "unknown_version") && of.isKnown;
  return isLate || REFUSALS.has(status) ? refused(code, retryAfterMs) : undefined;
}

function refused(code: string, retryAfterMs = 0): AttemptResult {
  return { refused: code, retryAfterMs };
}

function failed(error: StepError, isFinal = false): AttemptResult {
  return { error, isFinal };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Redirects are not followed: those of URLs could lead to an address that is not allowed. */
function redirected(
  status: number,
  { what }: Exchange,
  headers: NonNullable<Exchanged["answer"]>["headers"],
): StepError {
  const location = fieldOf(headers, "location");
  const target = location === undefined ? "" : ` to ${location.slice(0, 200)}`;
  const message = `${what} answered ${status}, a redirect${target}. Steps do not follow redirects: call the target, or answer 2xx.`;
  return { type: "redirected", status, message };
}

function typeOf({ status, code }: ReceivedHead, problem: ProblemText | undefined): string {
  if (code !== undefined) return TYPES.get(code) ?? code;
  return problem?.code ?? (status >= 500 ? "server_error" : "client_error");
}

function messageOf(response: ReceivedHead, { what, kind }: Exchange, problem: ProblemText | undefined) {
  const { status, code, isUnforwarded = false, text } = response;
  // Skiff's own refusals name the function themselves.
  const isWhole = code !== undefined && (isUnforwarded || kind === "exec");
  if (isWhole && text.trim() !== "") return text.trim().slice(0, MESSAGE_CHARACTERS);
  const shown = (problem?.text ?? text).trim().slice(0, MESSAGE_CHARACTERS);
  return `${what} answered ${status}${shown === "" ? "." : `: ${shown}`}`;
}

interface ProblemText {
  readonly code?: string;
  /** Title and detail as sentences. */
  readonly text?: string;
}

/** What a problem document (RFC 9457) of a function says. */
function problemOf({ headers, body }: NonNullable<Exchanged["answer"]>): ProblemText | undefined {
  if (!("inline" in body) || !/json/i.test(fieldOf(headers, "content-type") ?? "")) return undefined;
  try {
    const document: unknown = JSON.parse(Buffer.from(body.inline).toString());
    if (typeof document !== "object" || document === null) return undefined;
    const { code, detail, title } = document as Readonly<Record<string, unknown>>;
    const texts = [title, detail].filter(
      (each) => typeof each === "string" && each.trim() !== "",
    ) as string[];
    return {
      ...(typeof code === "string" && code !== "" ? { code: code.slice(0, 100) } : {}),
      ...(texts.length === 0 ? {} : { text: sentences(texts) }),
    };
  } catch {
    return undefined;
  }
}

/** `Card declined` and `The bank refused.` as `Card declined. The bank refused.` */
function sentences(texts: readonly string[]): string {
  return texts
    .map((text, index) =>
      index < texts.length - 1 && !/[.!?:]\s*$/.test(text) ? `${text.trim()}.` : text.trim(),
    )
    .join(" ");
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
  output: KeptValue,
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
