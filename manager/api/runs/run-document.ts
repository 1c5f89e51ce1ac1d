import type { Trigger } from "../../../platform/flows/run/entry.ts";
import type { RunRecord } from "../../../store/flows/runs.ts";

/** Returns a run as lists show it. */
export function runDocument(run: RunRecord): Record<string, unknown> {
  const { id, flow, version, state, status, step, error, trigger, parent } = run;
  const { acceptedAt, changedAt, wakeAt, endedAt, by, keyId } = run;
  return {
    ...{ id, flow, version, state, status, step, error },
    trigger: triggerOf(trigger),
    ...{ parent, by, keyId },
    acceptedAt: new Date(acceptedAt),
    changedAt: new Date(changedAt),
    ...(wakeAt === undefined ? {} : { wakeAt: new Date(wakeAt) }),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt) }),
  };
}

/** Without bodies: an event may be as large as events may be. */
function triggerOf(trigger: Trigger): Record<string, unknown> {
  switch (trigger.kind) {
    case "http":
      return { kind: "http", method: trigger.request.method, path: trigger.request.path };
    case "topic": {
      const { id, source, type, subject } = trigger.event;
      return { kind: "topic", event: { id, source, type, subject } };
    }
    case "cron":
      return { kind: "cron", schedule: trigger.schedule, at: new Date(trigger.at) };
    default:
      return { ...trigger };
  }
}
