/** Problems of topics. Each text says what happened and what to do. */
import { isDeclarationName } from "../../platform/declarations.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";

const MOST_TEXT = 200;
/** Names in a text. */
const MOST_NAMES = 5;

/** @param name untrusted text */
export function unknownTopic(name: string): Problem {
  const shown = name.slice(0, 80);
  const advice = isDeclarationName(name)
    ? `declare it with PUT /topic/${shown}, or a subscription that names it`
    : 'names have 1 to 63 characters of a-z, 0-9 and "-", and start with a letter';
  const detail = `There is no topic "${shown}": ${advice}.`;
  return new Problem("unknown_topic", detail);
}

export function eventTooLarge(topic: string, mostBytes: number): Problem {
  const limit = `${formatBytes(mostBytes)} (maxEvent of the topic "${topic}", or SKIFF_MAX_EVENT)`;
  return new Problem("event_too_large", `The event is larger than ${limit}: send less, or raise it.`, {
    setting: "maxEvent",
  });
}

/** @param paused names of subscriptions that would answer */
export function noSubscriber(topic: string, paused: readonly string[]): Problem {
  const [first] = paused;
  if (first !== undefined) {
    const names = paused.slice(0, MOST_NAMES).join(", ");
    const detail = `Only paused subscriptions (${names}) answer events of the topic "${topic}" that are like this one, and it was not published: resume one with POST /subscription/${first}/resume.`;
    return new Problem("no_subscriber", detail);
  }
  const detail = `Nobody answers events of the topic "${topic}" that are like this one, and it was not published: add a subscription whose filter matches it.`;
  return new Problem("no_subscriber", detail);
}

export function noReply(topic: string): Problem {
  const detail = `Every subscriber of the topic "${topic}" got the event, and none answered with a reply: answer with a body.`;
  return new Problem("no_reply", detail);
}

export function replyTimeout(topic: string, timeoutMs: number): Problem {
  const limit = `${formatMs(timeoutMs)} (timeout, or replyTimeout of the topic)`;
  const detail = `No subscriber of the topic "${topic}" answered within ${limit}: the event stays published.`;
  return new Problem("reply_timeout", detail, { setting: "replyTimeout" });
}

/** @param reply what the function answered instead; its text is shortened */
export function replyFailed(
  why: string,
  reply?: { readonly status: number; readonly text: string },
): Problem {
  if (reply === undefined) return new Problem("reply_failed", why);
  const { status } = reply;
  const text = reply.text
    .replaceAll(/\p{C}+/gu, " ")
    .trim()
    .slice(0, MOST_TEXT);
  return new Problem("reply_failed", text === "" ? why : `${why} It says: ${text}`, {
    reply: { status, text },
  });
}
