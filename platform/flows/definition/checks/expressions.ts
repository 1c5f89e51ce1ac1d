import { Expressions } from "../../expressions/expressions.ts";
import type { Scope, Wanted } from "../../expressions/scope.ts";
import type { FlowDefinition, Step, Steps } from "../definition.ts";
import { orderOf, type StepOrder } from "../links.ts";
import { ENOUGH_FAULTS, type Path, type Reading, type Use } from "../reading/place.ts";

const OF_RUN = ["input", "trigger", "run"];

/** Records what is wrong with the expressions of a flow: grammar, unknown names, and steps that have no output yet. */
export function checkExpressions(definition: FlowDefinition, { uses, faults }: Reading): void {
  const expressions = new Expressions();
  const scopes = new Scopes(definition);
  for (const use of uses) {
    if (faults.length >= ENOUGH_FAULTS) return;
    const scope = scopes.of(use.path);
    for (const { message, path, offset } of faultsOf(use, expressions, scope)) {
      faults.push({
        path: [...use.path, ...path],
        message: `${use.path.join(".")}: ${message}${hint(message)}`,
        offset,
      });
    }
  }
}

function wantedAt([, , member]: Path): Wanted {
  if (member === "if" || member === "while") return "bool";
  return member === "each" ? "list" : "any";
}

function hint(message: string): string {
  if (/^`run` has no member `(state|error)`/.test(message)) return " Steps of finally have it.";
  return "";
}

interface UseFault {
  readonly message: string;
  readonly path: Path;
  readonly offset: number;
}

function faultsOf(use: Use, expressions: Expressions, scope: Scope): readonly UseFault[] {
  if ("template" in use) {
    const faults = expressions.checkTemplate(use.template, scope);
    return faults.map((fault) => ({ ...fault, path: fault.path.map(String) }));
  }
  const fault = expressions.check(use.expression, scope, wantedAt(use.path));
  return fault === undefined
    ? []
    : [{ message: fault.message, path: [], offset: use.offset + (fault.offset ?? 0) }];
}

type StepScope = Pick<Scope, "steps" | "otherSteps" | "placeOf">;

/** What expressions may read, by where they are. */
class Scopes {
  readonly #definition: FlowDefinition;
  readonly #orders: Readonly<Record<"steps" | "finally", StepOrder>>;
  /** Most steps have several expressions. */
  readonly #before = new Map<string, StepScope>();

  constructor(definition: FlowDefinition) {
    this.#definition = definition;
    this.#orders = { steps: orderOf(definition.steps), finally: orderOf(definition.finally) };
  }

  of([room, name, ...path]: Path): Scope {
    const { steps, input } = this.#definition;
    const inSteps = room === "steps" || room === "finally";
    const step = inSteps && name !== undefined ? this.#definition[room][name] : undefined;
    if (!inSteps || step === undefined) return { variables: OF_RUN, steps: Object.keys(steps), input };
    if (path[0] === "wait" && path[1] === "by") return { variables: ["event"] };
    return {
      variables: [...OF_RUN, ...variablesOf(step, path)],
      ...this.#stepsBefore(room, name!),
      input,
      isFinally: room === "finally",
    };
  }

  #stepsBefore(room: "steps" | "finally", name: string): StepScope {
    const id = `${room}/${name}`;
    const known = this.#before.get(id) ?? this.#newStepsBefore(room, name);
    this.#before.set(id, known);
    return known;
  }

  #newStepsBefore(room: "steps" | "finally", name: string): StepScope {
    const { steps } = this.#definition;
    const { circle, before } = this.#orders[room];
    // What comes before a step of a circle is not known, and the circle is a fault already.
    const own = circle === undefined ? before(name) : namesOf(this.#definition[room], name);
    const earlier = room === "finally" ? [...Object.keys(steps), ...own] : own;
    const seen = new Set(earlier);
    const others = Object.keys(this.#definition[room]).filter((each) => !seen.has(each));
    const placeOf: Scope["placeOf"] = (step) => {
      if (step === name) return "here";
      return before(step).includes(name) ? "later" : "beside";
    };
    return { steps: earlier, otherSteps: others, placeOf };
  }
}

function namesOf(steps: Steps, but: string): readonly string[] {
  return Object.keys(steps).filter((name) => name !== but);
}

/** Variables besides those of the run. `if` and `each` are evaluated before there is an item or an iteration. */
function variablesOf(step: Step, [member]: Path): readonly string[] {
  if (member === "if" || member === "each") return [];
  return [
    ...(step.each === undefined ? [] : ["item", "index"]),
    ...(step.while === undefined ? [] : ["iteration", "last"]),
    ...(member === "output" ? ["output", "error"] : []),
    ...(member === "catch" ? ["error"] : []),
  ];
}
