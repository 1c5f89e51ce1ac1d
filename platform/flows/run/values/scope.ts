import type { KeptValue } from "../entry.ts";
import type { LiveRun } from "../live-run.ts";
import type { Ref } from "../under-way.ts";
import {
  errorMembers,
  evaluate,
  evaluateTemplate,
  failed,
  notOf,
  type Scope,
  type Variables,
} from "./values.ts";

/** Of a step before its items and iterations, or of the output of the run. */
export function stepScope(run: LiveRun, step: string): Scope {
  const { begun, stopping } = run.state;
  const { run: id, definition, version, at } = begun;
  const started = { id, flow: definition.flow, version, startedAt: new Date(at) };
  const error =
    stopping?.state === "failed" ? { step: stopping.step, ...errorMembers(stopping.error) } : null;
  const isFinally = run.plan.steps.get(step)?.isFinally === true;
  return {
    run,
    step,
    meter: run.meter(),
    kept: { input: begun.input },
    plain: {
      trigger: begun.trigger,
      run: isFinally ? { ...started, state: stopping?.state ?? "done", error } : started,
    },
  };
}

/** Of an attempt: with `item` and `index`, or `iteration` and `last`. */
export function scopeOf(run: LiveRun, { step, item }: Ref): Scope {
  const scope = stepScope(run, step);
  const planned = run.planned(step);
  if (!planned.isLoop) return scope;
  return planned.step.each === undefined
    ? iterationScope(scope, item!)
    : withPlain(scope, { item: listOf(run, step)[item!] ?? null, index: item });
}

export function iterationScope(scope: Scope, iteration: number): Scope {
  const last = scope.run.data(scope.step).units[iteration - 1]?.output ?? { json: null };
  return withKept(withPlain(scope, { iteration }), { last });
}

export function withPlain(scope: Scope, more: Variables): Scope {
  return { ...scope, plain: { ...scope.plain, ...more } };
}

export function withKept(scope: Scope, more: Readonly<Record<string, KeptValue>>): Scope {
  return { ...scope, kept: { ...scope.kept, ...more } };
}

/** The list of `each`. */
export function listOf(run: LiveRun, step: string): readonly unknown[] {
  const known = run.lists.get(step);
  if (known !== undefined) return known;
  const { each } = run.planned(step).step;
  const scope = stepScope(run, step);
  const list =
    typeof each === "string" ? evaluate(scope, each, "each") : evaluateTemplate(scope, each, "each");
  if (!Array.isArray(list)) throw notOf("each", "a list", { step, expression: String(each), value: list });
  const most = run.options.limits.flowItems;
  if (list.length > most) {
    throw failed(step, `\`each\` has ${list.length} items, and SKIFF_FLOW_ITEMS allows ${most}.`);
  }
  run.lists.set(step, list);
  return list;
}
