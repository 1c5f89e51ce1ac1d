/** The subscriptions and schedules that the triggers of a flow stand for. */
import type { ScheduleSpec } from "../events/schedule-spec.ts";
import type { SubscriptionSpec } from "../events/subscription-spec.ts";
import type { FlowDefinition } from "../flows/definition/definition.ts";

interface Named<Spec> {
  /** `flow/NAME/0` for the first one. No declaration has such a name. */
  readonly name: string;
  readonly spec: Spec;
}

type Triggered = Pick<FlowDefinition, "flow" | "on">;

/** Returns the flow of a name of this file; undefined for the name of a declaration. */
export function flowOfTrigger(name: string): string | undefined {
  return /^flow\/([^/]+)\/\d+$/.exec(name)?.[1];
}

/** Those of one flow are a group: an event that several want begins one run. */
export function topicSubscriptions({ flow, on }: Triggered): Named<SubscriptionSpec>[] {
  return on.topics.map((trigger, index) => ({
    name: nameOf(flow, index),
    spec: { ...trigger, flow, group: groupOfFlow(flow) },
  }));
}

/** Returns the topics that a flow names: whoever publishes to them may do so while it is declared. */
export function topicsOfFlow({ on, steps, finally: last }: Pick<FlowDefinition, "on" | "steps" | "finally">) {
  const actions = [...Object.values(steps), ...Object.values(last)].map(({ action }) => action);
  const named = (kind: "event" | "publish") =>
    actions.flatMap((action) => (action.kind === kind && "topic" in action ? [action.topic] : []));
  return {
    triggers: on.topics.map(({ topic }) => topic),
    waits: [...new Set(named("event"))],
    publishes: [...new Set(named("publish"))],
  };
}

export function groupOfFlow(flow: string): string {
  return `flow/${flow}`;
}

export function cronSchedules({ flow, on }: Triggered): Named<ScheduleSpec>[] {
  return on.crons.map(({ input = {}, ...times }, index) => ({
    name: nameOf(flow, index),
    spec: { ...times, run: { flow, input } },
  }));
}

function nameOf(flow: string, index: number): string {
  return `flow/${flow}/${index}`;
}
