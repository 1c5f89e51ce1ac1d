import type { Action, FlowDefinition, Step } from "../../../platform/flows/definition/definition.ts";
import type { Begun } from "../../../platform/flows/run/entry.ts";

export type Members = Partial<Omit<Step, "action">> & { readonly action?: Action };

export function step(members: Members = {}): Step {
  return { action: fn("f"), needs: [], catch: [], concurrency: 10, ...members };
}

export function fn(name: string): Action {
  return { kind: "fn", function: name, method: "POST", path: "/", headers: {} };
}

/** Steps whose actions are absent call the function of their own name. */
export function flow(
  steps: Readonly<Record<string, Members>>,
  members: Partial<Omit<FlowDefinition, "steps" | "finally">> & {
    readonly finally?: Readonly<Record<string, Members>>;
  } = {},
): FlowDefinition {
  const { finally: last = {}, ...rest } = members;
  return {
    flow: "flow",
    on: { topics: [], crons: [] },
    timeoutMs: 30 * 86_400_000,
    ...rest,
    steps: whole(steps),
    finally: whole(last),
  };
}

function whole(steps: Readonly<Record<string, Members>>): Readonly<Record<string, Step>> {
  return Object.fromEntries(
    Object.entries(steps).map(([name, members]) => [name, step({ action: fn(name), ...members })]),
  );
}

export function begun(definition: FlowDefinition, input: unknown = {}, at = 1_000): Begun {
  return {
    kind: "begun",
    at,
    run: "run",
    definition,
    version: 1,
    functions: {},
    trigger: { kind: "api", by: "test" },
    input: { json: input },
    depth: 0,
    traceparent: "00-00000000000000000000000000000001-0000000000000001-01",
  };
}
