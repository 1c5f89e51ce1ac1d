import { shorten, shown } from "../../../settings/invalid-setting.ts";
import type { Expression, Template } from "../../definition/definition.ts";
import type { Meter } from "../../expressions/evaluation/meter.ts";
import { ExpressionFault, Unreadable } from "../../expressions/fault.ts";
import type { Names } from "../../expressions/names.ts";
import type { KeptBody, KeptValue } from "../entry.ts";
import type { StepError } from "../error.ts";
import { type RunData, type StepData, stepOf } from "../fold/state.ts";
import type { LiveRun } from "../live-run.ts";
import { Failure, Unloaded } from "./failure.ts";

/** By name. Times are dates. */
export type Variables = Readonly<Record<string, unknown>>;

/** Where an expression stands, and what it sees there. */
export interface Scope {
  readonly run: LiveRun;
  readonly step: string;
  /** Counts what is evaluated with it. */
  readonly meter: Meter;
  /** Variables whose values may be bodies; these are loaded if the expression names them. */
  readonly kept: Readonly<Record<string, KeptValue>>;
  readonly plain: Variables;
}

/** To show a step to an expression takes as long as about ten parts of it. */
const STEP_UNITS = 10;
const NOTHING: KeptValue = { json: null };
/** A template that hands on a value whole, which then need not be loaded. */
const WHOLE = /^\s*\$\{\s*(?:([a-z]+)|steps\.([a-z][a-z0-9_]*)\.output)\s*\}\s*$/;

/** @param member where the expression is, such as `if` */
export function evaluate(scope: Scope, expression: Expression, member: string): unknown {
  const { expressions } = scope.run.options;
  return attempt(scope, member, () => {
    const variables = new Reading(scope).variables(expressions.namesIn(expression));
    return expressions.evaluate(expression, variables, scope.meter);
  });
}

/** Evaluates a condition. */
export function isTrue(scope: Scope, expression: Expression, member: "if" | "while"): boolean {
  const value = evaluate(scope, expression, member);
  if (typeof value === "boolean") return value;
  throw notOf(member, "true or false", { step: scope.step, expression, value });
}

/** @param wanted what the value of the member must be */
export function notOf(
  member: string,
  wanted: string,
  {
    step,
    expression,
    value,
  }: { readonly step: string; readonly expression: string; readonly value: unknown },
): Failure {
  return failed(step, `\`${member}\` must be ${wanted}, and \`${shorten(expression)}\` is ${shown(value)}.`);
}

export function evaluateTemplate(scope: Scope, template: Template, member: string): unknown {
  const { expressions } = scope.run.options;
  return attempt(scope, member, () => {
    const variables = new Reading(scope).variables(expressions.namesInTemplate(template));
    return expressions.evaluateTemplate(template, variables, scope.meter);
  });
}

/** As `evaluateTemplate`; a template that is a value alone hands it on as it is kept. */
export function keptOf(scope: Scope, template: Template, member: string): KeptValue {
  const [, name, step] = (typeof template === "string" && WHOLE.exec(template)) || [];
  if (step !== undefined) return outputOf(stepOf(scope.run.state, step));
  if (name !== undefined && Object.hasOwn(scope.kept, name)) return scope.kept[name]!;
  return { json: evaluateTemplate(scope, template, member) ?? null };
}

/** As text: of numbers and truth values as JSON writes them, of null an empty one. */
export function textOf(scope: Scope, template: Template, member: string): string {
  const value = evaluateTemplate(scope, template, member) ?? "";
  if (typeof value !== "object") return String(value);
  throw failed(
    scope.step,
    `\`${member}\` must be a text, and is ${Array.isArray(value) ? "a list" : "an object"}.`,
  );
}

export function textsOf(scope: Scope, templates: Readonly<Record<string, Template>>, member: string) {
  return Object.fromEntries(
    Object.entries(templates).map(([name, template]) => [name, textOf(scope, template, `${member}.${name}`)]),
  );
}

/** Values as one: a list, or an object of names. Of a body that expressions cannot read it has the type and the size alone. */
export function compose(run: LiveRun, values: readonly KeptValue[]): readonly unknown[] {
  const missing: KeptBody[] = [];
  const all = values.map((value) => read(run, value, missing));
  if (missing.length > 0) throw new Unloaded(missing);
  return all;
}

export function outputOf(step: StepData | undefined): KeptValue {
  return step?.output ?? NOTHING;
}

export function failed(step: string, sentence: string): Failure {
  return new Failure({ type: "expression_failed", message: `Step \`${step}\`: ${sentence}` });
}

/** What expressions see of an error: absent members are null. */
export function errorMembers({ type, status, message, item }: StepError): Readonly<Record<string, unknown>> {
  return { type, status: status ?? null, message, item: item ?? null };
}

function attempt(scope: Scope, member: string, evaluation: () => unknown): unknown {
  try {
    return evaluation();
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    throw failed(scope.step, `\`${member}\`: ${error.message}`);
  }
}

/** Undefined values never are: a body that has to be loaded is in `missing`, and null here. */
function read(run: LiveRun, value: KeptValue, missing: KeptBody[]): unknown {
  if ("json" in value) return value.json;
  if (!isReadable(run, value)) return { type: value.type, bytes: value.bytes };
  const loaded = run.options.value(value);
  if (loaded === undefined) missing.push(value);
  return loaded?.json ?? null;
}

/** Whether expressions can read a value; otherwise it can only be handed on whole. */
export function isReadable({ options }: LiveRun, value: KeptValue): boolean {
  if ("json" in value) return true;
  return value.type === "application/json" && value.bytes <= options.limits.flowOutputBytes;
}

/** The variables of one evaluation. */
class Reading {
  readonly #scope: Scope;
  readonly #missing: KeptBody[] = [];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Throws `Unloaded`. */
  variables(names: Names): Variables {
    const { kept, plain } = this.#scope;
    const variables: Record<string, unknown> = { ...plain };
    for (const name of names.variables) {
      if (Object.hasOwn(kept, name)) this.#put(variables, name, { as: name, value: kept[name]! });
    }
    if (names.variables.has("steps") || names.steps.size > 0) variables.steps = this.#steps(names);
    if (this.#missing.length > 0) throw new Unloaded(this.#missing);
    return variables;
  }

  #steps(names: Names): Readonly<Record<string, unknown>> {
    const { state } = this.#scope.run;
    const all = names.steps.size > 0 ? [...names.steps] : Object.keys(state.steps);
    this.#scope.meter.note(all.length * STEP_UNITS);
    return Object.fromEntries(all.map((name) => [name, this.#step(name, state)]));
  }

  #step(name: string, state: RunData) {
    const step = stepOf(state, name);
    const members = {
      state: step?.state ?? "pending",
      error: step?.error === undefined ? null : errorMembers(step.error),
    };
    this.#put(members, "output", { as: `steps.${name}.output`, value: outputOf(step) });
    return members;
  }

  /** A value that cannot be read is a fault of the expression that does, not of one that names its step alone. */
  #put(variables: object, name: string, { as, value }: { as: string; value: KeptValue }): void {
    const { run } = this.#scope;
    const isThere = isReadable(run, value);
    const get = () => {
      throw unreadable(as, value as KeptBody);
    };
    const member = isThere ? { value: read(run, value, this.#missing) } : { get };
    Object.defineProperty(variables, name, { enumerable: true, ...member });
  }
}

/** The fault of whoever reads such a value. */
export function unreadable(name: string, { type, bytes }: KeptBody): Unreadable {
  const member = name === "output" ? name : "with";
  return new Unreadable(
    `\`${name}\` is ${type} of ${bytes} bytes, which can only be handed on whole: \`${member}: "\${ ${name} }"\`.`,
  );
}
