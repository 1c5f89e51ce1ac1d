/** Requests that publish events: POST /topic/NAME, and POST /topic/NAME/call, which waits for a reply. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { clientSignal } from "../../../http/client-signal.ts";
import type { TopicSpec } from "../../../platform/events/topic-spec.ts";
import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { Published } from "../../../store/topics.ts";
import type { TopicParts } from "../topic-parts.ts";
import { unknownTopic } from "../topic-problems.ts";
import { receiveEvents } from "./received.ts";
import { sendAnswer } from "./send-answer.ts";

/** Longest and usual wait for a reply, in milliseconds. */
const MOST_REPLY_MS = 300_000;
export const REPLY_MS = 30_000;

export class TopicRequests {
  readonly #parts: TopicParts;

  constructor(parts: TopicParts) {
    this.#parts = parts;
  }

  async publish(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const events = await this.#receive(request, topic);
    const published = await this.#parts.publisher.publish(events);
    acknowledge(response, events, published);
  }

  async call(
    request: IncomingMessage,
    response: ServerResponse,
    { topic, query }: { readonly topic: string; readonly query: URLSearchParams },
  ): Promise<void> {
    const spec = this.#specOf(topic);
    const timeoutMs = timeoutOf(query, spec);
    const [event, ...more] = await this.#receive(request, topic);
    if (more.length > 0) {
      throw new Problem(
        "invalid_request",
        "A call publishes one event and waits for its reply: send no batch.",
      );
    }
    const signal = clientSignal(response);
    const answer = await this.#parts.publisher.ask(event!, { timeoutMs, signal, isGateway: false });
    const headers = {
      "cache-control": "no-store",
      "x-skiff-call-id": randomUUID(),
      "skiff-event": event!.id,
    };
    await sendAnswer(response, answer, { bodies: this.#parts.services.store.bodies, status: 200, headers });
  }

  #specOf(topic: string): TopicSpec {
    const spec = this.#parts.table.topic(topic);
    if (spec === undefined) throw unknownTopic(topic);
    return spec;
  }

  async #receive(request: IncomingMessage, topic: string): Promise<NewEvent[]> {
    const { services, table } = this.#parts;
    const { limits, store, now } = services;
    const spec = this.#specOf(topic);
    this.#parts.access.check(request, topic, spec);
    const mostBytes = table.mostBytes(topic, limits)!;
    const events = await receiveEvents(request, { topic, mostBytes, limits, bodies: store.bodies, now });
    // Whoever chooses where replies go could publish there by a subscriber's hand.
    const targets = new Set(events.flatMap(({ attributes: { replyto } }) => replyto ?? []));
    for (const target of targets) this.#parts.access.check(request, target, this.#specOf(target));
    return events;
  }
}

function timeoutOf(query: URLSearchParams, { replyTimeout }: TopicSpec): number {
  const text = query.get("timeout");
  const ms = parseDurationMs(text ?? replyTimeout ?? "") ?? (text === null ? REPLY_MS : undefined);
  if (ms !== undefined && ms <= MOST_REPLY_MS && (ms > 0 || text === null)) return ms || REPLY_MS;
  const detail = `timeout is "${text!.slice(0, 80)}": use a duration from 1 ms to 5 min, such as 30s.`;
  throw new Problem("invalid_request", detail);
}

export function acknowledge(
  response: ServerResponse,
  events: readonly NewEvent[],
  published: readonly Published[],
): void {
  const list = events.map(({ id }, index) => {
    const { position, isNew } = published[index]!;
    return { id, position, ...(isNew ? {} : { duplicate: true }) };
  });
  const body = Buffer.from(`${JSON.stringify({ events: list })}\n`);
  const { traceparent } = events[0]!.attributes;
  response
    .writeHead(202, {
      "content-type": "application/json; charset=utf-8",
      "content-length": body.length,
      "cache-control": "no-store",
      "x-skiff-call-id": randomUUID(),
      ...(traceparent === undefined ? {} : { traceparent }),
    })
    .end(body);
}
