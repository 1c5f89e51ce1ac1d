import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import { readTime } from "../read-time.ts";
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
