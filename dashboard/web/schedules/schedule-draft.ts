import { jsonFault } from "../blocks/json-fault.ts";
import { withoutEmpty } from "../blocks/without-empty.ts";
import type { ScheduleSpec } from "./schedule.ts";

export type Target = "call" | "run" | "event";

/** A schedule as a form has it. */
export interface ScheduleDraft {
  readonly cron: string;
  readonly timeZone: string;
  readonly target: Target;
  /** Name of the function, the flow or the topic. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly type: string;
  /** Body of a call, input of a run or data of an event. */
  readonly content: string;
  readonly overlap: "skip" | "queue" | "allow";
  readonly missed: "skip" | "once" | "all";
  readonly jitter: string;
}

export function draftOf(spec: Partial<ScheduleSpec>): ScheduleDraft {
  const { call, run, event } = spec;
  return {
    ...{ cron: spec.cron ?? "", timeZone: spec.timeZone ?? "" },
    target: run !== undefined ? "run" : event !== undefined ? "event" : "call",
    name: call?.function ?? run?.flow ?? event?.topic ?? "",
    ...{ method: call?.method ?? "", path: call?.path ?? "", type: event?.type ?? "" },
    content: contentText(call?.body ?? run?.input ?? event?.data),
    ...{ overlap: spec.overlap ?? "skip", missed: spec.missed ?? "once", jitter: spec.jitter ?? "" },
  };
}

/** Returns the spec. What the form has no field for stays as it was, such as the headers of a call. */
export function specOf(draft: ScheduleDraft, before: Partial<ScheduleSpec>): Record<string, unknown> {
  const { target, name, method, path, type } = draft;
  const { call, run, event, ...others } = before;
  const content = contentOf(draft.content);
  const old = { call, run, event }[target];
  const own = {
    call: { function: name, method, path, body: content },
    run: { flow: name, input: content },
    event: { topic: name, type, data: content },
  }[target];
  return withoutEmpty({
    ...others,
    ...{ cron: draft.cron, timeZone: draft.timeZone },
    [target]: withoutEmpty({ ...old, ...own }),
    ...{ overlap: draft.overlap, missed: draft.missed, jitter: draft.jitter },
  });
}

/** An object or a list is JSON, everything else a text. */
function contentOf(text: string): unknown {
  if (text.trim() === "") return undefined;
  const isJson = /^\s*[{[]/.test(text) && jsonFault(text) === undefined;
  return isJson ? JSON.parse(text) : text;
}

/** Says what is wrong with a text that looks like JSON. */
export function contentFault(text: string): string | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const fault = jsonFault(text);
  return fault && `It begins like JSON, but is not valid: ${fault}`;
}

function contentText(content: unknown): string {
  if (content === undefined) return "";
  return typeof content === "string" ? content : JSON.stringify(content, undefined, 2);
}
