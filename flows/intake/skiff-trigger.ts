/** Calls with which Skiff itself begins runs: those of schedules, and deliveries of events. */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { headersOf, readContext } from "../../calling/cloudevents/http-event.ts";
import type { Trigger } from "../../platform/flows/run/entry.ts";
import { hashOf } from "../../platform/keys/key-text.ts";

export interface SkiffCall {
  readonly trigger: Trigger;
  /** As in the audit log. */
  readonly by: string;
}

/** Returns what Skiff itself says of a run that begins; undefined for a request of anybody else. */
export function skiffCallOf(request: IncomingMessage, callerKey: string): SkiffCall | undefined {
  const { "x-skiff-key": given } = request.headers;
  if (typeof given !== "string" || !timingSafeEqual(hashOf(given), hashOf(callerKey))) return undefined;
  const headers = headersOf(request.rawHeaders);
  const {
    "skiff-schedule": schedule,
    "skiff-scheduled-at": at,
    "skiff-subscription": subscription,
  } = headers;
  if (schedule !== undefined && at !== undefined) {
    return { trigger: { kind: "cron", schedule, at: Date.parse(at) }, by: `schedule ${schedule}` };
  }
  if (subscription === undefined) return { trigger: { kind: "api", by: "internal" }, by: "internal" };
  const { attributes, ...event } = readContext(headers);
  const topic = headers["skiff-topic"]!;
  return {
    trigger: { kind: "topic", event: { ...attributes, ...event, topic } },
    by: `subscription ${subscription}`,
  };
}
