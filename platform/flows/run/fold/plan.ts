import type { FlowDefinition, Step } from "../../definition/definition.ts";
import { linksOf } from "../../definition/links.ts";

/** A step with what is before and after it. */
export interface PlannedStep {
  readonly name: string;
  readonly step: Step;
  readonly isFinally: boolean;
  readonly isLoop: boolean;
  /** Its own needs, and those of the step that it is the `else` of. */
  readonly needs: readonly string[];
  /** The steps whose `catch` may choose it; it runs only so if there are any. */
  readonly catchers: readonly string[];
  /** All that must be settled before it is decided. */
  readonly before: readonly string[];
  /** The steps that it is before. */
  readonly after: readonly string[];
}

export interface Plan {
  readonly steps: ReadonlyMap<string, PlannedStep>;
  /** Steps whose outputs are the output of the run by default: no other one needs them. */
  readonly sinks: readonly string[];
}

type Planned = { -readonly [Key in keyof PlannedStep]: PlannedStep[Key] } & { after: string[] };

export function planOf({ steps, finally: last }: FlowDefinition): Plan {
  const planned = new Map<string, Planned>();
  for (const [name, step] of Object.entries(steps)) planned.set(name, newStep(name, step, false));
  for (const [name, step] of Object.entries(last)) planned.set(name, newStep(name, step, true));
  const catches = linksOf({ ...steps, ...last }).filter(({ kind }) => kind === "catch");
  const catchers = Map.groupBy(catches, ({ to }) => to);
  for (const one of planned.values()) {
    one.needs = needsOf(one, planned);
    one.catchers = [...new Set(catchers.get(one.name)?.map(({ from }) => from))];
    const before = new Set([...one.needs, ...one.catchers]);
    if (one.step.else !== undefined) before.add(one.step.else);
    one.before = [...before];
    for (const name of before) planned.get(name)?.after.push(one.name);
  }
  return { steps: planned, sinks: sinksOf(planned) };
}

function newStep(name: string, step: Step, isFinally: boolean): Planned {
  const isLoop = step.each !== undefined || step.while !== undefined;
  return { name, step, isFinally, isLoop, needs: [], catchers: [], before: [], after: [] };
}

function needsOf({ step }: Planned, planned: ReadonlyMap<string, Planned>): string[] {
  const needs = new Set(step.needs);
  let other = step.else;
  // A step that is no one's `else` ends the chain; a definition that was checked has no circle.
  for (let hops = 0; other !== undefined && hops < planned.size; hops++) {
    const otherStep: Step | undefined = planned.get(other)?.step;
    for (const name of otherStep?.needs ?? []) needs.add(name);
    other = otherStep?.else;
  }
  return [...needs];
}

function sinksOf(planned: ReadonlyMap<string, Planned>): string[] {
  const needed = new Set([...planned.values()].flatMap(({ step }) => step.needs));
  return [...planned.values()]
    .filter((one) => !one.isFinally && !needed.has(one.name))
    .map(({ name }) => name);
}
