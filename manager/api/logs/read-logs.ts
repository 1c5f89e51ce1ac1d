import { Readable } from "node:stream";
import { clientSignal } from "../../../http/client-signal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import type { Platform } from "../../../platform/platform.ts";
import { unknownFunction } from "../../../platform/problems.ts";
import { logFilter } from "../../../store/log-filter.ts";
import type { Handler, Services } from "../services.ts";
import { requireStore } from "../store.ts";
import { formOf, type SentLine } from "./log-forms.ts";
import { type LogRequest, readLogRequest } from "./log-query.ts";
import { sendLines } from "./send-lines.ts";

/**
 * `GET /func/NAME/logs`: the lines of a function as text, NDJSON or server-sent events; with `follow` until the client
 * disconnects or the function is removed.
 */
export function readLogs(services: Services): Handler {
  const { platform, closing } = services;
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const request = readLogRequest(ctx, new Date());
    if ((await platform.describe(name)) === undefined) throw unknownFunction(name);
    const isHead = ctx.method === "HEAD";
    const position = isHead ? undefined : await startOf(services, name, request);
    const form = formOf(request.form, { name, raw: request.raw, position });
    ctx.status = 200;
    ctx.set("content-type", form.type);
    ctx.vary("accept");
    // An answer to HEAD has no body to follow.
    if (isHead) return;
    const leaving = AbortSignal.any([clientSignal(ctx.res), closing]);
    // Lines that come meanwhile belong to those that are promised.
    const isFromNow = position !== undefined && request.query.tail === 0;
    const query = isFromNow ? { ...request.query, tail: undefined, after: position } : request.query;
    const lines = linesOf(services, name, { query, follow: request.follow, signal: leaving });
    // A cursor that is not valid must become a problem document, although the head of what is followed is sent at once.
    const { after } = request.query;
    if (request.follow && after !== undefined)
      await services.store?.logs?.read(name, { after, tail: 0 })[Symbol.asyncIterator]().next();
    const texts = sendLines(lines, form, request.follow);
    // With `follow` the head is sent at once, because a silent function prints no first line. Otherwise it waits for
    // the first line, so that an error before that becomes a problem document.
    if (request.follow) ctx.flushHeaders();
    ctx.body = Readable.from(request.follow ? texts : prepend(await texts.next(), texts));
  };
}

/** Returns the position with which followed events begin, unless the client has one. */
async function startOf({ store }: Services, name: string, { query, follow, form }: LogRequest) {
  if (!follow || form !== "events" || query.after !== undefined) return undefined;
  return store?.logs?.end(name);
}

interface Reading extends Pick<LogRequest, "query" | "follow"> {
  readonly signal: AbortSignal;
}

function linesOf(services: Services, name: string, reading: Reading): AsyncIterable<SentLine> {
  const { platform, store } = services;
  const { query, follow, signal } = reading;
  if (!store?.logs) return liveLines(services, name, reading);
  if (!follow) return store.logs.read(name, query);
  const { logs } = store;
  return untilRemoved(platform, name, (removed) =>
    logs.follow(name, { ...query, signal: AbortSignal.any([signal, removed]) }),
  );
}

/** Follows until the function is removed, by whichever manager. */
async function* untilRemoved(
  platform: Platform,
  name: string,
  follow: (removed: AbortSignal) => AsyncIterable<SentLine>,
): AsyncGenerator<SentLine> {
  const removal = new AbortController();
  const stop = platform.watch((changed, endpoints) => {
    if (changed === name && endpoints === undefined) removal.abort();
  });
  try {
    yield* follow(removal.signal);
  } finally {
    stop();
  }
}

/**
 * Reads the lines that the platform has in memory, which is all without a store.
 * @throws Problem `store_unavailable` for what needs lines from before
 */
async function* liveLines(services: Services, name: string, reading: Reading): AsyncGenerator<SentLine> {
  const { query, follow, signal } = reading;
  const { tail = 0, since, until, after, call, status, ...filter } = query;
  if ([since, until, after, call, status].some((value) => value !== undefined)) requireStore(services);
  const passes = logFilter(filter);
  for await (const line of services.platform.logs(name, { tail, follow, signal })) {
    if (passes(line)) yield line;
  }
}

async function* prepend(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
