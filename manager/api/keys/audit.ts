import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs, parseInstant } from "../../../platform/quantity.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireStore } from "../store.ts";

/** `GET /audit?since=&until=&search=&limit=&cursor=`: a page of the audit log, newest first. */
export function listAudit(services: Services): Handler {
  const { limits, keys } = services;
  const time = (text: string | undefined, name: string) => readTime(text, name, keys.now());
  const text = (value: string | undefined) => value;
  const most = limits.pageSize;
  const limit = wholeNumber(1, most, most);
  const readers = { since: time, until: time, search: text, limit, cursor: text };
  return async (ctx) => {
    const { cursor: after, limit, ...query } = readParameters(ctx, readers);
    const { audit } = requireStore(services);
    const found = await audit.list({ ...query, after, limit: limit + 1 });
    const entries = found.slice(0, limit);
    answerJson(ctx, { entries, next: found.length > limit ? entries.at(-1)!.id : null });
  };
}

/** Reads a time, or a duration before now such as `15m`. */
function readTime(text: string | undefined, name: string, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const agoMs = /\d[a-z]+$/.test(text) ? parseDurationMs(text) : undefined;
  if (agoMs !== undefined) return new Date(Math.max(0, nowMs - agoMs));
  const at = parseInstant(text);
  if (at !== undefined) return at;
  const example = `${name}=15m, ${name}=2026-11-29 or ${name}=2026-11-29T14:00:00Z`;
  throw new Problem(
    "invalid_request",
    `${name}=${text.slice(0, 40)} is not a valid time: use one like ${example}.`,
  );
}
