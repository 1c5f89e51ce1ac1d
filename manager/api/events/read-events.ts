import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { clientSignal } from "../../../http/client-signal.ts";
import type { EventStore } from "../../../store/store.ts";
import type { Form } from "../logs/log-forms.ts";
import { sendLines } from "../logs/send-lines.ts";
import { flag, readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { eventDocument } from "./event-document.ts";
import { placeBefore, readStart } from "./event-start.ts";
import { requireTopic } from "./topics.ts";

const MOST_EVENTS = 10_000;
const USUAL_EVENTS = 100;
/** Events read from the store at a time. */
const PAGE = 100;
const POLL_MS = 200;

type Document = Readonly<Record<string, unknown>>;

/**
 * `GET /topic/NAME/events?from=&limit=&follow=`: events of a topic, oldest first, as NDJSON or server-sent events; with
 * `follow` until the client disconnects.
 */
export function readEvents(services: Services): Handler {
  const { now } = services.keys;
  return async (ctx) => {
    const isStream = ctx.accepts("application/x-ndjson", "text/event-stream") === "text/event-stream";
    const given = readParameters(ctx, {
      from: (text, name) => readStart(text, name, now()),
      limit: wholeNumber(1, MOST_EVENTS, undefined),
      follow: (text: string | undefined, name: string) => (text === undefined ? isStream : flag(text, name)),
    });
    const { follow } = given;
    const { name: topic } = await requireTopic(services, ctx.params.name!);
    const store = { topics: requirePart(services, "topics"), bodies: requirePart(services, "bodies") };
    const from = given.from ?? (follow ? "latest" : "earliest");
    const after = lastEventId(ctx) ?? (await placeBefore(store.topics, topic, from));
    const form = isStream ? serverSent(after) : NDJSON;
    ctx.status = 200;
    ctx.vary("accept");
    ctx.set("content-type", form.type);
    if (ctx.method === "HEAD") return;
    const limit = given.limit ?? (follow ? Number.POSITIVE_INFINITY : USUAL_EVENTS);
    const signal = AbortSignal.any([clientSignal(ctx.res), services.closing]);
    const documents = eventsOf(store, topic, { after, limit, follow, signal });
    if (follow) ctx.flushHeaders();
    ctx.body = Readable.from(sendLines(documents, form, follow));
  };
}

interface Reading {
  readonly after: number;
  readonly limit: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

async function* eventsOf(
  { topics, bodies }: Pick<EventStore, "topics" | "bodies">,
  topic: string,
  { after, limit, follow, signal }: Reading,
): AsyncGenerator<Document> {
  for (let [position, left] = [after, limit]; left > 0 && !signal.aborted; ) {
    const events = await topics.read(topic, position, Math.min(PAGE, left));
    for (const event of events) yield await eventDocument(event, bodies);
    position = events.at(-1)?.position ?? position;
    left -= events.length;
    if (events.length > 0) continue;
    if (!follow) return;
    await delay(POLL_MS, undefined, { signal }).catch((error: Error) => {
      if (error.name !== "AbortError") throw error;
    });
  }
}

/** Where a client that was cut off goes on. */
function lastEventId(ctx: Call): number | undefined {
  const text = ctx.get("last-event-id");
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const NDJSON: Form<Document> = {
  type: "application/x-ndjson",
  write: (document) => `${JSON.stringify(document)}\n`,
};

/** @param after where a client goes on that has received no event */
function serverSent(after: number): Form<Document> {
  return {
    type: "text/event-stream",
    head: `retry: 1000\nid: ${after}\n\n`,
    idle: ":\n\n",
    write: (document) => `id: ${document.position}\ndata: ${JSON.stringify(document)}\n\n`,
  };
}
