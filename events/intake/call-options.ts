import { checkRetry, retryPolicyOf } from "../../platform/events/check-retry.ts";
import {
  type RetryPolicy,
  type RetrySettings,
  type RetrySpec,
  retryPolicy,
} from "../../platform/events/retry-policy.ts";
import { Problem } from "../../platform/problems.ts";
import { parseDurationMs, parseInstant } from "../../platform/quantity.ts";
import { closestWord } from "../../process/closest-word.ts";
import { SCHEDULE_KEY } from "../../store/scheduled.ts";

/** What a request says about its call, as text by name. */
export type OptionTexts = ReadonlyMap<string, string>;

export interface CallOptions {
  readonly dueAt: number;
  readonly priority: number;
  /** Empty for none. */
  readonly orderKey: string;
  readonly callback: string | undefined;
  readonly policy: RetryPolicy;
}

/** Each option is a parameter of the query with this name, or a header `skiff-NAME`. */
export const OPTION_NAMES: ReadonlySet<string> = new Set([
  "delay",
  "at",
  "priority",
  "key",
  "callback",
  "attempts",
  "backoff",
  "max-age",
  "retry-on",
]);

/** Longest delay, in milliseconds. */
const MOST_DELAY_MS = 30 * 86_400_000;
const MOST_KEY = 255;
const MOST_URL = 2_048;
/** The option of each member of `retry`. */
const RETRY_OPTIONS = [
  ["attempts", "attempts"],
  ["backoff", "backoff"],
  ["maxAge", "max-age"],
  ["on", "retry-on"],
] as const;

/**
 * Takes the options out of a query. The rest of it stays as it is.
 * @param query with its `?`, or empty
 * @throws Problem `invalid_request` for an option that occurs twice
 */
export function takeOptions(query: string): { readonly rest: string; readonly options: OptionTexts } {
  const options = new Map<string, string>();
  const rest = query
    .slice(1)
    .split("&")
    .filter((part) => {
      const [name = "", ...value] = part.split("=");
      if (!OPTION_NAMES.has(name)) return true;
      if (options.has(name)) throw invalid(name, "occurs twice: send it once");
      options.set(name, decode(name, value.join("=")));
      return false;
    })
    .join("&");
  return { rest: rest === "" ? "" : `?${rest}`, options };
}

export interface OptionRules {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What the function sets. */
  readonly retry: RetrySettings | undefined;
  /** Outcomes can be sent to callback URLs. */
  readonly hasCallbacks: boolean;
}

/** @throws Problem `invalid_setting` */
export function readOptions(texts: OptionTexts, { now, retry, hasCallbacks }: OptionRules): CallOptions {
  if (texts.size === 0) {
    return { dueAt: now, priority: 0, orderKey: "", callback: undefined, policy: retryPolicy(retry) };
  }
  const dueAt = dueTime(texts, now);
  const chosen = readPolicy(texts, retry);
  const callback = texts.get("callback");
  if (callback !== undefined) checkCallback(callback, hasCallbacks);
  const orderKey = texts.get("key") ?? "";
  if (texts.has("key") && (orderKey === "" || orderKey.length > MOST_KEY)) {
    throw invalid("key", `has ${orderKey.length} characters: use 1 to ${MOST_KEY}`);
  }
  if (orderKey.startsWith(SCHEDULE_KEY))
    throw invalid("key", `begins with "${SCHEDULE_KEY}", as the keys of schedules do: use another one`);
  const priority = Number(texts.get("priority") ?? "0");
  if (texts.has("priority") && !/^[+-]?\d$/.test(texts.get("priority")!)) {
    throw invalid("priority", `is "${shorten(texts.get("priority")!)}": use a whole number from -9 to 9`);
  }
  // The age counts from the time that the call waits for.
  return {
    dueAt,
    priority,
    orderKey,
    callback,
    policy: { ...chosen, maxAgeMs: chosen.maxAgeMs + (dueAt - now) },
  };
}

/** @param field such as `skiff-dealy` */
export function unknownOption(field: string): Problem {
  const names = [...OPTION_NAMES].map((name) => `skiff-${name}`);
  const meant = closestWord(field, names);
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  const detail = `The header ${shorten(field)} is no option.${hint} Options: ${names.join(", ")}.`;
  return new Problem("invalid_setting", detail, { setting: field });
}

function dueTime(texts: OptionTexts, now: number): number {
  const [delay, at] = [texts.get("delay"), texts.get("at")];
  if (delay !== undefined && at !== undefined)
    throw invalid("delay", "and at contradict each other: send one of them");
  const most = `${MOST_DELAY_MS / 86_400_000} days`;
  if (delay !== undefined) {
    const delayMs = parseDurationMs(delay);
    if (delayMs !== undefined && delayMs <= MOST_DELAY_MS) return now + delayMs;
    throw invalid("delay", `is "${shorten(delay)}": use a duration of at most ${most}, such as 30s or 2h`);
  }
  if (at === undefined) return now;
  const time = parseInstant(at)?.getTime();
  if (time !== undefined && time <= now + MOST_DELAY_MS) return Math.max(now, time);
  const example = new Date(now).toISOString();
  throw invalid("at", `is "${shorten(at)}": use a time within ${most}, such as ${example}${zoneHint(at)}`);
}

/** A time of another zone often loses its `+` in a query, or has no zone at all. */
function zoneHint(at: string): string {
  if (/T[\d:.]+ \d\d:\d\d$/.test(at)) return ". In a query write the + of the zone as %2B";
  return /T[\d:.]+$/.test(at) ? ". The zone is missing: add Z, or an offset such as %2B01:00" : "";
}

function readPolicy(texts: OptionTexts, base: RetrySettings | undefined): RetryPolicy {
  const [attempts, backoff, maxAge, on] = RETRY_OPTIONS.map(([, option]) => texts.get(option));
  const spec: RetrySpec = {
    ...(attempts === undefined ? {} : { attempts: /^\d+$/.test(attempts) ? Number(attempts) : Number.NaN }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(on === undefined || on === "none" ? {} : { on: on.split(",").map((each) => each.trim()) }),
  };
  for (const [member, option] of RETRY_OPTIONS) {
    const [fault] = member in spec ? checkRetry({ [member]: spec[member] }, []) : [];
    const rule = fault && /: (use .*)\.$/.exec(fault.detail)![1]!;
    if (rule !== undefined) throw invalid(option, `is "${shorten(texts.get(option)!)}": ${rule}`);
  }
  const policy = retryPolicyOf(spec, retryPolicy(base));
  return on === "none" ? { ...policy, on: [] } : policy;
}

function checkCallback(url: string, hasCallbacks: boolean): void {
  const parsed = url.length <= MOST_URL && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw invalid(
      "callback",
      `is "${shorten(url)}": use a URL of http or https with at most ${MOST_URL} characters`,
    );
  }
  const hasUser = parsed.username !== "" || parsed.password !== "";
  if (hasUser || url.includes("#")) {
    const part = hasUser ? "a user or a password" : "a fragment";
    throw invalid("callback", `has ${part}, which is never sent: use a URL without it`);
  }
  if (hasCallbacks) return;
  const detail =
    "The option callback needs a secret to sign outcomes: set SKIFF_CALLBACK_SECRET where Skiff runs.";
  throw new Problem("invalid_setting", detail, { setting: "SKIFF_CALLBACK_SECRET" });
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw invalid(name, "is not percent-encoded UTF-8: encode it as encodeURIComponent does");
  }
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function invalid(name: string, what: string): Problem {
  return new Problem("invalid_setting", `The option ${name} ${what}.`, { setting: name });
}
