import type { FlowDefinition, Step, Steps } from "../definition.ts";
import { orderOf, type StepOrder } from "../links.ts";
import { ENOUGH_FAULTS, type Fault, type Path, type Reading } from "../reading/place.ts";
import { listed, meant } from "../reading/values.ts";

/** Most steps that an error lists. */
const MOST_NAMED = 12;

/** Records what is wrong with how steps follow each other. */
export function checkLinks({ on, steps, finally: last }: FlowDefinition, reading: Reading): void {
  const { limits, faults } = reading;
  const count = Object.keys(steps).length + Object.keys(last).length;
  if (count > limits.flowSteps) {
    const message = `The flow has ${count} steps: use at most ${limits.flowSteps} (SKIFF_FLOW_STEPS), or make a flow of some of them.`;
    faults.push({ path: ["steps"], message, isKey: true });
    return;
  }
  const [main, end] = [orderOf(steps), orderOf(last)];
  faults.push(...new LinkCheck("steps", steps, last).faults(main));
  faults.push(...new LinkCheck("finally", last, steps).faults(end));
  for (const name of Object.keys(last).filter((each) => Object.hasOwn(steps, each))) {
    faults.push({
      path: ["finally", name],
      message: `steps has a step ${name} too: give one of them another name.`,
      isKey: true,
    });
  }
  const answer = on.http?.respond;
  if (answer !== undefined && !Object.hasOwn(steps, answer)) {
    const message = `on.http.respond names ${shorten(answer)}, ${notAStep(answer, steps)}`;
    faults.push({ path: ["on", "http", "respond"], message });
  }
}

class LinkCheck {
  readonly #room: "steps" | "finally";
  readonly #steps: Steps;
  readonly #others: Steps;
  readonly #elses = new Map<string, string>();
  /** The step that names a step in `then`. */
  readonly #chosenBy = new Map<string, string>();

  constructor(room: "steps" | "finally", steps: Steps, others: Steps) {
    [this.#room, this.#steps, this.#others] = [room, steps, others];
    for (const [name, step] of Object.entries(steps)) {
      for (const { then } of step.catch) if (then !== undefined) this.#chosenBy.set(then, name);
    }
  }

  faults(order: StepOrder): readonly Fault[] {
    const found: Fault[] = [];
    for (const [name, step] of Object.entries(this.#steps)) {
      if (found.length >= ENOUGH_FAULTS) break;
      found.push(...this.#needs(name, step), ...this.#else(name, step), ...this.#catches(name, step));
    }
    return order.circle === undefined ? found : [...found, this.#circle(order.circle)];
  }

  #needs(name: string, { needs }: Step): readonly Fault[] {
    return needs.flatMap((need, index) => {
      const path = this.#path(name, "needs", String(index));
      const unknown = this.#unknown(path, need);
      if (unknown !== undefined) return [unknown];
      return needs.indexOf(need) === index
        ? []
        : [fault(path, `${where(path)} has ${need} twice: name it once.`)];
    });
  }

  #else(name: string, step: Step): readonly Fault[] {
    const target = step.else;
    if (target === undefined) return [];
    const path = this.#path(name, "else");
    const unknown = this.#unknown(path, target);
    if (unknown !== undefined) return [unknown];
    const other = this.#elses.get(target);
    if (other !== undefined) {
      const advice = `for a switch, give ${other} an if and write else: ${other} here`;
      return [fault(path, `${target} has an else already, ${other}: ${advice}.`)];
    }
    this.#elses.set(target, name);
    if (this.#steps[target]!.if === undefined) {
      return [
        fault(
          path,
          `${where(path)} names ${target}, which has no if and is never skipped by it: give ${target} an if.`,
        ),
      ];
    }
    if (step.needs.includes(target)) {
      return [
        fault(
          path,
          `${name} can never run: it needs ${target}, and runs only if ${target} is skipped. Remove it from needs.`,
        ),
      ];
    }
    const blocked = this.#dependsOn(step, target);
    if (!blocked) return [];
    const message = `${name} can never run: it runs only if ${target} is skipped, and then ${listed(step.needs)} ${step.needs.length === 1 ? "is" : "are"} skipped too.`;
    return [fault(path, `${message} Make it need what ${target} needs.`)];
  }

  /** Whether all that the step needs is skipped if `target` is. */
  #dependsOn({ needs }: Step, target: string): boolean {
    if (needs.length === 0 || this.#steps[target]!.needs.length > 0) return false;
    const known = new Map<string, boolean>([[target, true]]);
    const skipped = (name: string): boolean => {
      const found = known.get(name);
      if (found !== undefined) return found;
      // A circle is not walked twice.
      known.set(name, false);
      const step = this.#steps[name];
      const result =
        step !== undefined && step.else === undefined && step.needs.length > 0 && step.needs.every(skipped);
      known.set(name, result);
      return result;
    };
    return needs.every(skipped);
  }

  #catches(name: string, step: Step): readonly Fault[] {
    const chooser = this.#chosenBy.get(name);
    const found = step.catch.flatMap(({ then, on }, index) => {
      const path = this.#path(name, "catch", String(index));
      const unknown = then === undefined ? undefined : this.#unknown([...path, "then"], then);
      const isLast = index === step.catch.length - 1;
      const isHiding = on.length === 0 && !isLast;
      const message = `${where(path)} has no on, so that it catches every error and the rules after it never apply: move it to the end.`;
      return [...(unknown ? [unknown] : []), ...(isHiding ? [fault(path, message)] : [])];
    });
    if (chooser === undefined) return found;
    const extra = step.needs.length > 0 ? "needs" : step.else === undefined ? undefined : "else";
    if (extra === undefined) return found;
    const path = this.#path(name, extra);
    const message = `${name} runs only if ${chooser} fails and a catch rule chooses it: remove ${where(path)}.`;
    return [...found, { path, message, isKey: true }];
  }

  #unknown(path: Path, name: string): Fault | undefined {
    if (Object.hasOwn(this.#steps, name)) return undefined;
    if (Object.hasOwn(this.#others, name)) {
      const [there, rule] =
        this.#room === "steps"
          ? ["finally", "which runs after all steps"]
          : ["steps", "all of which have ended when finally begins"];
      return fault(path, `${where(path)} names ${name}, a step of ${there}, ${rule}: remove it.`);
    }
    return fault(path, `${where(path)} names ${shorten(name)}, ${notAStep(name, this.#steps)}`);
  }

  #circle(circle: readonly string[]): Fault {
    const [first] = circle;
    const message =
      circle.length === 1
        ? `${first} waits for itself: remove it from its needs, else and catch, or repeat it with while.`
        : `${[...circle, first].join(" → ")} is a circle, so that no step of it can start: remove one of these links, or repeat a step with while.`;
    return { path: this.#path(first!), message, isKey: true };
  }

  #path(...parts: readonly string[]): Path {
    return [this.#room, ...parts];
  }
}

function fault(path: Path, message: string): Fault {
  return { path, message };
}

/** Names a member as people see it, without the index of a list. */
function where(path: Path): string {
  return path.filter((part, index) => index < 3 || !/^\d+$/.test(part) || path[2] === "catch").join(".");
}

function notAStep(name: string, steps: Steps): string {
  const names = Object.keys(steps);
  const hint = meant(name, names) || (names.length > MOST_NAMED ? "" : ` Steps: ${names.join(", ")}.`);
  return `which is not a step.${hint}`;
}

function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}
