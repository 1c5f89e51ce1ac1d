/** Requests below /gateway: published to the topic of their path, and answered with the reply of a subscriber. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { checkAttributes } from "../../../calling/cloudevents/attributes.ts";
import { binaryHeaders } from "../../../calling/cloudevents/http-event.ts";
import { storeBody } from "../../../calling/stored-bodies.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import { requireHeaderRoom, traceRefused } from "../../../http/request-problems.ts";
import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import type { NewEvent } from "../../../store/event.ts";
import { type RequestFields, readFields } from "../../intake/request-fields.ts";
import { GATEWAY_SOURCE, GATEWAY_TYPE, withoutEventFields } from "../delivery/deliveries.ts";
import type { TopicParts } from "../topic-parts.ts";
import { eventTooLarge } from "../topic-problems.ts";
import { topicOfPath } from "./gateway-paths.ts";
import { readBody } from "./read-body.ts";
import { traceparentOf } from "./received.ts";
import { sendAnswer } from "./send-answer.ts";
import { acknowledge, REPLY_MS } from "./topic-requests.ts";

const TARGET = /^(?:https?:\/\/([^/?#]*))?\/gateway(\/[^?]*)?(\?.*)?$/i;
/** Longest path that is an attribute, in characters. */
const MOST_SUBJECT = 2_048;

export class Gateway {
  readonly #parts: TopicParts;

  constructor(parts: TopicParts) {
    this.#parts = parts;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { services, table, publisher, access } = this.#parts;
    const { limits, proxies, store } = services;
    const [target, authority, path = "/", query = ""] = TARGET.exec(request.url!) ?? [];
    const topic = target === undefined ? undefined : topicOfPath(table.paths(), path);
    if (topic === undefined) throw noTopic(path);
    if (request.method === "TRACE") throw traceRefused();
    const spec = table.topic(topic)!;
    const fields = readFields(request, { authority, proxies });
    const isBearerOurs = access.checkFields(request, fields, { ...spec, topic });
    const mostBytes = table.mostBytes(topic, limits)!;
    const tooLarge = () => eventTooLarge(topic, mostBytes);
    const body = await readBody(request, { mostBytes, limits, tooLarge });
    const event: NewEvent = {
      topic,
      ...contextOf(request, { path, time: services.now() }),
      data: await storeBody(store.bodies, body),
      http: { method: request.method!, path: path + query, headers: headersFor(fields, isBearerOurs) },
      isDeduplicated: false,
    };
    requireHeaderRoom([path, query, ...event.http!.headers, ...binaryHeaders(event)], limits);
    const timeoutMs = parseDurationMs(spec.replyTimeout ?? "") ?? REPLY_MS;
    if (timeoutMs === 0) {
      acknowledge(response, [event], await publisher.publish([event]));
      return;
    }
    const signal = clientSignal(response);
    const answer = await publisher.ask(event, { timeoutMs, signal, isGateway: true });
    const headers = { "x-skiff-call-id": randomUUID(), "skiff-event": event.id };
    await sendAnswer(response, answer, { bodies: store.bodies, headers });
  }
}

/** Attributes by which subscriptions can filter. */
function contextOf(
  { method, headers }: IncomingMessage,
  { path, time }: { readonly path: string; readonly time: number },
): Pick<NewEvent, "id" | "source" | "type" | "attributes"> {
  const { "content-type": datacontenttype, traceparent } = headers;
  const attributes = {
    subject: path.slice(0, MOST_SUBJECT),
    time: new Date(time).toISOString(),
    httpmethod: method!,
    traceparent: traceparentOf(traceparent as string | undefined),
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
  };
  checkAttributes(attributes);
  return { id: randomUUID(), source: GATEWAY_SOURCE, type: GATEWAY_TYPE, attributes };
}

/** Fields of the event itself come from Skiff alone. A Bearer that is not for Skiff is for the function. */
function headersFor({ forFunction, bearer }: RequestFields, isBearerOurs: boolean): string[] {
  const kept = withoutEventFields(forFunction);
  if (bearer === undefined || isBearerOurs) return kept;
  return [...kept, "authorization", `Bearer ${bearer}`];
}

function noTopic(path: string): Problem {
  const shown = path.slice(0, 80);
  const detail = `No topic has a path that "${shown}" begins with: add one to the paths of a topic, such as paths: [/test].`;
  return new Problem("unknown_route", detail);
}
