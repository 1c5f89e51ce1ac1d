import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import { isObject } from "./outline.ts";

/** What a step that is tried sees. */
export interface Sample {
  readonly input: unknown;
  /** Outputs of other steps by name. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** With `each`: the item. */
  readonly item?: unknown;
}

/** What a step would do. */
export interface Sent {
  /** `if` is false. */
  readonly isSkipped: boolean;
  /** Undefined: no body. */
  readonly body: unknown;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of `fn`. */
  readonly function?: string;
}

const expressions = new Expressions();

/** Evaluates what a step sends. Throws `ExpressionFault`. @param members of the step as they are written */
export function sentBy(members: Readonly<Record<string, unknown>>, { input, outputs, item }: Sample): Sent {
  const steps = Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [name, { output, state: "done", error: null }]),
  );
  const run = { id: "run_sample", flow: "sample", version: 1, startedAt: new Date() };
  const variables = {
    ...{ input, steps, run, trigger: { kind: "api" } },
    ...(members.each === undefined ? {} : { item, index: 0 }),
    ...(members.while === undefined ? {} : { iteration: 0, last: null }),
  };
  const text = (template: unknown) => {
    const value = expressions.evaluateTemplate(template ?? "", variables) ?? "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const condition = members.if;
  const isSkipped =
    condition !== undefined && expressions.evaluate(bare(String(condition)), variables) !== true;
  const long = isObject(members.fn) ? members.fn : { name: members.fn };
  const headers = isObject(long.headers) ? long.headers : {};
  return {
    isSkipped,
    body:
      members.with === undefined
        ? bodyOf(members, { input, outputs, item })
        : expressions.evaluateTemplate(members.with, variables),
    method: typeof long.method === "string" ? long.method : "POST",
    path: text(long.path ?? "/"),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)])),
    ...(typeof long.name === "string" && { function: long.name }),
  };
}

/** What the action gets without `with`. */
function bodyOf(members: Readonly<Record<string, unknown>>, { input, outputs, item }: Sample): unknown {
  if (members.each !== undefined) return item;
  const needs = [members.needs ?? []].flat().map(String);
  if (needs.length === 0) return input;
  if (needs.length === 1) return outputs[needs[0]!];
  return Object.fromEntries(needs.map((name) => [name, outputs[name]]));
}

function bare(text: string): string {
  return /^\s*\$\{([\s\S]*)\}\s*$/.exec(text)?.[1] ?? text;
}
