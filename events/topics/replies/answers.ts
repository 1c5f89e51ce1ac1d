import { eventMode, headersOf, readContext } from "../../../calling/cloudevents/http-event.ts";
import { readJsonEvents } from "../../../calling/cloudevents/json-event.ts";
import { HOPS, ownAttributes } from "../../../calling/cloudevents/own-attributes.ts";
import type { EventContext } from "../../../calling/cloudevents/received-event.ts";
import { bytesOf, loadBody, storeBody } from "../../../calling/stored-bodies.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { Answer, CallOrigin } from "../../../store/call.ts";
import type { LeasedCall, Reply } from "../../../store/calls.ts";
import type { NewEvent } from "../../../store/event.ts";
import type { AttemptEnd, Effects } from "../../services.ts";
import { largerThanKept } from "./replies.ts";

/** An answer to an answer to an answer… may go on this far. */
export const MOST_HOPS = 16;

export interface AnswerOptions {
  readonly bodies: Bodies;
  /** Most bytes of an event of a topic; undefined if there is no such topic. */
  readonly mostBytes: (topic: string) => number | undefined;
  /** Most bytes of an answer that is kept. */
  readonly resultBytes: number;
  /** `replyTo` of a subscription. */
  readonly replyTo: (subscription: string) => string | undefined;
  readonly now: () => number;
}

type Delivery = Extract<CallOrigin, { readonly kind: "subscription" }>;

/**
 * Returns what the end of a delivery brings about: the events that the function answered, and the reply for whoever waits. An
 * answer that cannot be published makes the delivery dead, with the reason in `fault`.
 */
export async function effectsOf(end: AttemptEnd, options: AnswerOptions): Promise<Effects> {
  const { call, outcome, answer } = end;
  if (call.origin.kind !== "subscription" || outcome.state === "waiting") return {};
  const reply = replyOf(call.origin, end);
  const replied = reply === undefined ? {} : { reply };
  if (outcome.state !== "done" || answer === undefined) return replied;
  try {
    const events = await eventsOf(call, answer, options);
    return events.length === 0 ? replied : { ...replied, events };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "invalid_request") throw error;
    return { ...replied, fault: `The answer could not be published: ${error.detail}` };
  }
}

function replyOf({ waiter, group }: Delivery, { outcome, answer }: AttemptEnd): Reply | undefined {
  if (waiter === undefined) return undefined;
  if (answer !== undefined) return { waiter, group, answer };
  const error = outcome.state === "dead" ? outcome.reason : "The function did not answer.";
  return { waiter, group, error };
}

async function eventsOf(call: LeasedCall, answer: Answer, options: AnswerOptions): Promise<NewEvent[]> {
  const headers = headersOf(answer.headers);
  const mode = eventMode(headers);
  if (mode === "plain") return [];
  const request = headersOf(call.request.headers);
  const { name: subscription } = call.origin as Delivery;
  const topic = request["ce-replyto"] ?? options.replyTo(subscription);
  if (topic === undefined) return [];
  const most = options.mostBytes(topic);
  if (most === undefined) throw refused(`there is no topic "${topic.slice(0, 80)}" for it.`);
  const hops = hopsOf(request[`ce-${HOPS}`]) + 1;
  if (hops > MOST_HOPS) throw refused(`the event has passed ${MOST_HOPS} functions: they answer each other.`);
  if (answer.isCut) throw refused(largerThanKept("it", options.resultBytes));
  const stamp = (context: EventContext): Omit<NewEvent, "data"> => ({
    ...context,
    topic,
    attributes: {
      ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
      ...ownAttributes(context.attributes),
      [HOPS]: String(hops),
    },
    isDeduplicated: true,
  });
  if (mode === "binary") {
    const time = new Date(options.now()).toISOString();
    const defaults = { id: call.id, source: `/subscription/${subscription}`, type: "dev.skiff.reply", time };
    const bytes = bytesOf(answer.body);
    if (bytes > most) throw refused(tooLong(bytes, most));
    return [{ ...stamp(readContext(headers, defaults)), data: answer.body }];
  }
  const events = readJsonEvents(mode, await loadBody(options.bodies, answer.body));
  const large = events.find(({ data }) => data.length > most);
  if (large !== undefined) throw refused(tooLong(large.data.length, most));
  return Promise.all(
    events.map(async ({ data, ...context }) => ({
      ...stamp(context),
      data: await storeBody(options.bodies, data),
    })),
  );
}

/** Anything else than a count of Skiff counts as the most. */
function hopsOf(text = "0"): number {
  return /^\d{1,2}$/.test(text) ? Number(text) : MOST_HOPS;
}

function tooLong(bytes: number, most: number): string {
  return `it has ${bytes} bytes, and events of the topic may have ${most}.`;
}

function refused(why: string): Problem {
  return new Problem("invalid_request", why);
}
