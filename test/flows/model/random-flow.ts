import type { Action, CatchRule, FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { flow, fn, type Members } from "../support/definitions.ts";

export type Random = () => number;

export function below(random: Random, most: number): number {
  return Math.floor(random() * most);
}

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

export function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[below(random, all.length)]!;
}

/** A flow that the checks would let through, with everything that steps can have. */
export function randomFlow(random: Random): FlowDefinition {
  const steps = randomSteps(random, 1 + below(random, 7), "s");
  const last = chance(random, 0.3) ? randomSteps(random, 1 + below(random, 2), "f") : {};
  return flow(steps, {
    finally: last,
    timeoutMs: oneOf(random, [5_000, 600_000, 30 * 86_400_000]),
    ...(chance(random, 0.2) ? { output: { n: "${ input.n }" } } : {}),
  });
}

function randomSteps(random: Random, count: number, prefix: string): Record<string, Members> {
  const steps: Record<string, Members> = {};
  const free: string[] = [];
  for (let index = 0; index < count; index++) {
    const name = `${prefix}${index}`;
    const before = Object.keys(steps);
    const needs = before.filter(() => chance(random, 1.5 / (before.length + 1)));
    const other = before.find((each) => steps[each]!.if !== undefined && free.includes(each));
    const isElse = other !== undefined && chance(random, 0.5);
    if (isElse) free.splice(free.indexOf(other), 1);
    const members: Members = {
      action: randomAction(random, name),
      needs,
      ...(isElse ? { else: other } : {}),
      ...(chance(random, 0.3)
        ? { if: oneOf(random, ["input.n % 2 == 0", "true", "false", "input.none > 1"]) }
        : {}),
      ...randomLoop(random),
      ...(chance(random, 0.3) ? { retry: { attempts: 1 + below(random, 4), backoffMs: 1_000 } } : {}),
      ...(chance(random, 0.2) ? { timeoutMs: 1_000 + below(random, 10_000) } : {}),
      ...(chance(random, 0.2) ? { output: { was: "${ output }" } } : {}),
      ...(needs.length > 0 && chance(random, 0.3) ? { with: { v: `\${ steps.${needs[0]}.output }` } } : {}),
    };
    steps[name] = members;
    if (members.if !== undefined) free.push(name);
    if (chance(random, 0.3)) steps[name] = { ...members, catch: randomCatch(random, name, steps) };
  }
  return steps;
}

/** May add the step that is chosen. */
function randomCatch(random: Random, name: string, steps: Record<string, Members>): readonly CatchRule[] {
  const on = oneOf(random, [[], ["4xx"], ["500", "timeout"], ["expression_failed"]]);
  if (chance(random, 0.5)) return [{ on, output: { failed: "${ error.type }" } }];
  const then = `${name}_caught`;
  steps[then] = { action: fn(then), with: `\${ steps.${name}.error.type }` };
  return [{ on, then }];
}

function randomLoop(random: Random): Partial<Members> {
  const kind = random();
  const concurrency = 1 + below(random, 4);
  if (kind < 0.2)
    return { each: oneOf<string | unknown[]>(random, ["input.list", [1, "${ input.n }"], []]), concurrency };
  if (kind < 0.3) return { while: "iteration < 2", max: 3 };
  return kind < 0.35 ? { while: "true", max: 2 } : {};
}

function randomAction(random: Random, name: string): Action {
  const actions: readonly Action[] = [
    { kind: "wait", forMs: below(random, 20_000) },
    { kind: "event", topic: "t", by: "event.id", equals: "input.n" },
    { kind: "approve", message: "Really ${ input.n }?" },
    { kind: "flow", flow: "other" },
    { kind: "publish", topic: "out", type: "t", attributes: {} },
    { kind: "http", url: "https://example.com/${ input.n }", method: "GET", headers: {} },
  ];
  return chance(random, 0.5) ? fn(name) : oneOf(random, actions);
}
