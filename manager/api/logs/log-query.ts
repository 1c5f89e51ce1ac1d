import { LOG_LEVELS, type LogLevel } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs, parseInstant } from "../../../platform/quantity.ts";
import type { LogQuery } from "../../../store/store.ts";
import { flag, readParameters, wholeNumber } from "../read-query.ts";
import type { Call } from "../services.ts";

const MOST_LINES = 10_000;
const USUAL_LINES = 100;
const SEARCH_CHARACTERS = 1_000;

/** How lines are sent: `text` for people, `json` as NDJSON, `events` as server-sent events. */
export type LogForm = "text" | "json" | "events";

export interface LogRequest {
  readonly query: LogQuery;
  readonly follow: boolean;
  /** Sends text as it was printed. */
  readonly raw: boolean;
  readonly form: LogForm;
}

/**
 * Reads query and headers of a request for log lines.
 * @throws Problem `invalid_request` that names what is invalid
 */
export function readLogRequest(ctx: Call, now: Date): LogRequest {
  const form = acceptedForm(ctx);
  const time = timeBefore(now);
  const readers = {
    ...{ since: time, until: time, tail: wholeNumber(0, MOST_LINES, undefined) },
    ...{ call: callId, level, version: wholeNumber(1, 1e9, undefined), search, status },
    follow: (text: string | undefined, name: string) => (text === undefined ? undefined : flag(text, name)),
    raw: flag,
  };
  const { tail, follow = form === "events", raw, ...filter } = readParameters(ctx, readers);
  const after = ctx.get("last-event-id") || undefined;
  const isSearch = filter.since !== undefined || filter.until !== undefined || filter.call !== undefined;
  const most = tail ?? (isSearch ? MOST_LINES : USUAL_LINES);
  const place = after === undefined ? { tail: most } : { after };
  return { query: { ...filter, ...place }, follow, raw, form };
}

/** Returns the form that the request accepts; text by default. */
export function acceptedForm(ctx: Call): LogForm {
  const accepted = ctx.accepts("text/plain", "application/x-ndjson", "text/event-stream");
  if (accepted === "application/x-ndjson") return "json";
  return accepted === "text/event-stream" ? "events" : "text";
}

/** Reads a time, or a duration before `now`. */
function timeBefore(now: Date) {
  return (text: string | undefined, name: string): Date | undefined => {
    if (text === undefined) return undefined;
    const agoMs = /\d$/.test(text) ? undefined : parseDurationMs(text);
    const at = agoMs === undefined ? parseInstant(text) : new Date(now.getTime() - agoMs);
    if (at && !Number.isNaN(at.getTime())) return at;
    const examples = `${name}=15m, ${name}=2026-11-29 or ${name}=2026-11-29T14:00:00Z`;
    throw invalid(name, text, `must be a duration or a time, such as ${examples}`);
  };
}

function callId(text: string | undefined, name: string): string | undefined {
  if (text === undefined || /^[\w.-]{1,64}$/.test(text)) return text;
  throw invalid(name, text, "must be the id of a call: the header x-skiff-call-id of its answer");
}

function level(text: string | undefined, name: string): LogLevel | undefined {
  const known = LOG_LEVELS.find((each) => each === text);
  if (text === undefined || known) return known;
  throw invalid(name, text, `must be one of ${LOG_LEVELS.join(", ")}`);
}

function search(text: string | undefined, name: string): string | undefined {
  if (text === undefined || (text !== "" && text.length <= SEARCH_CHARACTERS)) return text;
  throw invalid(name, text, `must have 1 to ${SEARCH_CHARACTERS} characters`);
}

function status(text: string | undefined, name: string): string | undefined {
  if (text === undefined || /^[1-5](\d\d|xx)$/i.test(text)) return text?.toLowerCase();
  throw invalid(name, text, "must be a status such as 502, or a class such as 5xx");
}

function invalid(name: string, text: string, rule: string): Problem {
  return new Problem("invalid_request", `${name}=${text.slice(0, 40)} ${rule}.`);
}
