import type { FlowEdit } from "../../../dashboard/web/flows/document/edit.ts";

type Step = Record<string, unknown>;

export interface Flow {
  steps: Record<string, Step>;
  finally?: Record<string, Step>;
  on?: { http?: { respond?: string } };
  output?: unknown;
}

/** What an edit makes of the value of a flow, whatever its text is. */
export function edited(before: Flow, edit: FlowEdit): Flow {
  const flow = structuredClone(before);
  switch (edit.kind) {
    case "add":
      add(flow, edit);
      break;
    case "remove":
      remove(flow, edit.step);
      break;
    case "rename":
      return rename(flow, edit.step, edit.to);
    case "connect":
      link(flow, edit, true);
      break;
    case "disconnect":
      link(flow, edit, false);
      break;
    case "set":
      set(flow, edit.path, edit.value);
      break;
    case "all":
      return edit.edits.reduce(edited, flow);
  }
  return flow;
}

function add(
  flow: Flow,
  { name, members, isFinally = false, after }: Extract<FlowEdit, { kind: "add" }>,
): void {
  const base = { new: "new", "a b": "a_b", if: "if" }[name]!;
  const taken = [...Object.keys(flow.steps ?? {}), ...Object.keys(flow.finally ?? {})];
  let free = base;
  for (let count = 2; taken.includes(free); count++) free = `${base}_${count}`;
  const key = isFinally ? "finally" : "steps";
  const entries = Object.entries(flow[key] ?? {});
  const index = entries.findIndex(([each]) => each === after);
  entries.splice(index < 0 ? entries.length : index + 1, 0, [free, members as Step]);
  flow[key] = Object.fromEntries(entries);
}

function remove(flow: Flow, name: string): void {
  for (const step of allSteps(flow)) {
    keep(step, "needs", (item) => item !== name);
    keep(step, "catch", (rule) => (rule as Step).then !== name);
    if (step.else === name) delete step.else;
  }
  if (flow.on?.http?.respond === name) set(flow as unknown as Flow, ["on", "http", "respond"], undefined);
  delete flow.steps[name];
  if (flow.finally !== undefined) {
    delete flow.finally[name];
    if (Object.keys(flow.finally).length === 0) delete flow.finally;
  }
  if (Object.keys(flow.steps).length === 0) (flow as { steps: unknown }).steps = null;
}

function rename(flow: Flow, from: string, to: string): Flow {
  const text = JSON.stringify(flow).replace(
    new RegExp(`(steps\\.|steps\\['|steps\\[\\\\")${from}\\b`, "g"),
    `$1${to}`,
  );
  const renamed = JSON.parse(text) as Flow;
  for (const step of allSteps(renamed)) {
    for (const key of ["needs", "catch", "else"]) {
      const value = step[key];
      if (value === from) step[key] = to;
      if (Array.isArray(value)) step[key] = value.map((item) => (item === from ? to : item));
      if (key === "catch")
        for (const rule of [step.catch ?? []].flat() as Step[]) if (rule.then === from) rule.then = to;
    }
  }
  if (renamed.on?.http?.respond === from) renamed.on.http.respond = to;
  for (const key of ["steps", "finally"] as const) {
    if (renamed[key] === undefined) continue;
    const entries = Object.entries(renamed[key]).map(([name, step]) => [name === from ? to : name, step]);
    renamed[key] = Object.fromEntries(entries) as Record<string, Step>;
  }
  return renamed;
}

function link(
  flow: Flow,
  { from, to, link: kind }: { from: string; to: string; link: string },
  isThere: boolean,
): void {
  const [before, after] = [flow.steps[from]!, flow.steps[to]!];
  if (kind === "else") {
    if (isThere) after.else = from;
    else if (after.else === from) delete after.else;
    return;
  }
  const [step, key] = kind === "needs" ? [after, "needs"] : [before, "catch"];
  const is = (item: unknown) => (kind === "needs" ? item === from : (item as Step).then === to);
  const list = [step[key] ?? []].flat();
  if (!isThere) keep(step, key, (item) => !is(item));
  else if (!list.some(is)) step[key] = [...list, kind === "needs" ? from : { then: to }];
}

/** A list of which nothing stays goes; one value stays one. */
function keep(step: Step, key: string, isKept: (item: unknown) => boolean): void {
  const value = step[key];
  if (value === undefined) return;
  const kept = [value].flat().filter(isKept);
  if (kept.length === 0 && [value].flat().length > 0) delete step[key];
  else if (Array.isArray(value)) step[key] = kept;
}

function set(flow: object, path: readonly string[], value: unknown): void {
  const parents = path.slice(0, -1).map((_, index) => path.slice(0, index));
  const at = (keys: readonly string[]) =>
    keys.reduce((node, key) => node[key] as Step, flow as unknown as Step);
  const parent = at([...(parents.length === 0 ? [] : path.slice(0, -1))]);
  if (value === undefined) delete parent[path.at(-1)!];
  else parent[path.at(-1)!] = value;
}

function allSteps(flow: Flow): Step[] {
  return [...Object.values(flow.steps ?? {}), ...Object.values(flow.finally ?? {})];
}
