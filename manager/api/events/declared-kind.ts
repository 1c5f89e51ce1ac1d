import type { Declared } from "../../../platform/declarations.ts";
import type { SpecFault } from "../../../platform/events/spec-check.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Services } from "../services.ts";

type Spec = Readonly<Record<string, unknown>>;
type Named = Pick<Declared, "name" | "spec">;

/** Something of the store that an answer shows, such as the lag of a subscription. */
export type State = Readonly<Record<string, unknown>>;

/** A kind of declarations that the API creates, changes and describes. */
export interface DeclaredKind {
  /** Such as `Topic`. */
  readonly kind: string;
  /** Such as `topic`: the path, and the word in errors. */
  readonly noun: "topic" | "subscription" | "schedule";
  /** Such as `topics`: the member of lists. */
  readonly plural: string;
  check(spec: unknown): readonly SpecFault[];
  /** Members of the answer that the declaration alone gives. */
  more?(declared: Pick<Declared, "spec" | "createdAt">, now: number): Spec;
  /** What the store has of these declarations, by name. The specs are valid. */
  states(
    services: Services,
    declared: readonly Pick<Declared, "name" | "spec">[],
  ): Promise<Map<string, State>>;
  /** What a valid spec names and is not there. */
  warnings?(services: Pick<Services, "platform">, spec: Spec): readonly string[];
  /** What else the client should know about a spec that it stored. */
  putWarnings?(services: Services, spec: Spec): Promise<readonly string[]>;
  /** Why a spec does not go with those of others; undefined if it does. */
  clash?(spec: Spec, others: readonly Named[]): string | undefined;
  /** What must be done before a `PUT` is answered. */
  afterPut?(services: Services, name: string, spec: Spec): Promise<void>;
  afterRemoval?(services: Services, name: string): Promise<void>;
}

/** @param waits what becomes of its calls until then, as a sentence */
export function missingFunction(
  { platform }: Pick<Services, "platform">,
  name: string | undefined,
  waits: string,
): readonly string[] {
  if (name === undefined || platform.endpoints(name) !== undefined) return [];
  return [`There is no function "${name}" yet. ${waits}`];
}

/** As `missingFunction`, for a flow. */
export async function missingFlow(
  { platform }: Pick<Services, "platform">,
  name: string | undefined,
  waits: string,
): Promise<readonly string[]> {
  if (name === undefined || (await platform.declarations.get(FLOW_KIND, name)) !== undefined) return [];
  return [`There is no flow "${name}" yet. ${waits}`];
}

/** @param name what the client named; untrusted text */
export function unknownDeclared({ noun }: Pick<DeclaredKind, "noun">, name: string): Problem {
  const path = `/${noun}`;
  // A subscription can name a topic that nobody has declared.
  const what = noun === "topic" ? "declared topic" : noun;
  const detail = `There is no ${what} "${name.slice(0, 80)}": create it with PUT ${path}/NAME, or list all with GET ${path}.`;
  return new Problem(`unknown_${noun}`, detail);
}
