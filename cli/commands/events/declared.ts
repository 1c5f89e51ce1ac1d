/** Topics, subscriptions and schedules, as the API declares and shows them. */
import type { Api } from "../../api/api.ts";
import { shown } from "../../output/output.ts";
import { pairs } from "../../output/table.ts";
import { printWarnings } from "../../output/warnings.ts";
import type { Task } from "../../task.ts";

export type Noun = "topic" | "subscription" | "schedule";

type Members = Readonly<Record<string, unknown>>;

/** What `GET /NOUN/NAME` answers. */
export interface Declared {
  readonly name: string;
  readonly spec: Members;
  /** What the store has of it; absent where it cannot be read, which `noState` says. */
  readonly state?: Members;
  readonly noState?: string;
  readonly faults?: readonly string[];
  /** Such as a function that is not there. */
  readonly warnings?: readonly string[];
  /** Times of a schedule. */
  readonly next?: readonly string[];
}

/** The name is checked by the API. */
export function declaredPath(noun: Noun, name: string, rest = ""): string {
  return `/${noun}/${encodeURIComponent(name)}${rest}`;
}

export function topicPath(name: string, rest = ""): string {
  return declaredPath("topic", name, rest);
}

export function listDeclared(api: Api, noun: Noun): Promise<Declared[]> {
  return api.all<Declared>(`/${noun}`, `${noun}s`);
}

/** Creates a declaration, or replaces its spec. */
export async function putDeclared({ api, out }: Task, noun: Noun, declared: Pick<Declared, "name" | "spec">) {
  const { name, spec } = declared;
  interface Answer {
    readonly created: boolean;
    readonly unchanged: boolean;
    readonly warnings?: readonly string[];
  }
  const answer = await api.json<Answer>(declaredPath(noun, name), { method: "PUT", body: spec });
  const what = answer.created ? "created" : answer.unchanged ? "unchanged" : "replaced";
  out.result(answer, () => [`The ${noun} ${name} is ${what}.`]);
  printWarnings(out, answer.warnings);
}

/** Returns the action of a subcommand that shows one. */
export function showing(noun: Noun) {
  return async ({ api, out }: Task, name: string): Promise<void> => {
    const declared = await api.json<Declared>(declaredPath(noun, name));
    const { spec, state = {}, noState, faults, warnings, next = [] } = declared;
    out.result(declared, () => [
      ...pairs([
        ["name", name],
        ["faults", faults && shown(faults.join(" "))],
        ["warnings", warnings && shown(warnings.join(" "))],
        ["state", noState && shown(noState)],
        ...Object.entries({ ...spec, ...state }).map(([key, value]) => [key, textOf(value)] as const),
        ...next.map((time) => ["next", time] as const),
      ]),
    ]);
  };
}

/** Returns the action of a subcommand that changes one by `POST`. */
export function posting(noun: Noun, verb: string, done: string) {
  return async ({ api, out }: Task, name: string): Promise<void> => {
    const answer = await api.json(declaredPath(noun, name, `/${verb}`), { method: "POST" });
    out.result(answer, () => [`The ${noun} ${name} ${done}.`]);
  };
}

/** Returns the action of a subcommand that removes several. */
export function removing(noun: Noun) {
  return async ({ api, out }: Task, names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const answer = await api.json(declaredPath(noun, name), { method: "DELETE" });
      out.result(answer, () => [`Removed the ${noun} ${name}.`]);
    }
  };
}

/** A number of the state, for a column. */
export function stateCell({ state = {} }: Declared, name: string): string {
  const value = state[name];
  return value === undefined || value === null ? "-" : shown(value);
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.length === 0) return "none";
  return shown(typeof value === "object" ? JSON.stringify(value) : value);
}
