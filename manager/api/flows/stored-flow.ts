import type { Declared } from "../../../platform/declarations.ts";
import { isDeclarationName } from "../../../platform/declarations.ts";
import type { ValidFlow } from "../../../platform/declared-flows/declared-flow.ts";
import { topicSubscriptions } from "../../../platform/declared-flows/triggers.ts";
import type { Action, FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { Problem } from "../../../platform/problems.ts";
import type { FlowVersion } from "../../../store/flows/runs.ts";
import { startOf } from "../../../store/places.ts";
import type { Services } from "../services.ts";

export interface NewFlow {
  readonly name: string;
  readonly flow: ValidFlow;
  readonly ifRevision: string | null | undefined;
  readonly by: string;
  readonly message?: string | undefined;
}

export interface StoredFlow {
  readonly declared: Declared;
  /** Absent without a store: there are no versions. */
  readonly version?: number;
}

/**
 * Declares a flow. Its version comes first, with its author: whoever sees the declaration finds the version.
 * @throws Problem `precondition_failed`, `invalid_declaration`, `store_unavailable`
 */
export async function storeFlow(services: Services, flow: NewFlow): Promise<StoredFlow> {
  const { name, ifRevision } = flow;
  const { text } = flow.flow;
  const version = await numberVersion(services, flow);
  const { platform } = services;
  const declared = await platform.declarations.put(FLOW_KIND, name, { spec: { source: text }, ifRevision });
  await joinTopics(services, flow.flow);
  return { declared, ...(version === undefined ? {} : { version }) };
}

/** An event that is published after the answer begins a run. */
export async function joinTopics(
  { store, keys }: Pick<Services, "store" | "keys">,
  { definition }: ValidFlow,
): Promise<void> {
  for (const { name, spec } of topicSubscriptions(definition))
    await store?.topics?.join(startOf(name, spec, keys.now()));
}

/** Returns the number of the version; undefined without a store. */
export async function numberVersion(
  { store, keys }: Pick<Services, "store" | "keys">,
  { name, flow: { text, hash }, by, message }: Omit<NewFlow, "ifRevision">,
): Promise<number | undefined> {
  return await store?.runs?.versions.add({ flow: name, text, hash, at: keys.now(), by, message });
}

/** @throws Problem `unknown_flow`, also for a name that is not valid */
export async function requireFlow({ platform }: Pick<Services, "platform">, name: string): Promise<Declared> {
  const declared = isDeclarationName(name) ? await platform.declarations.get(FLOW_KIND, name) : undefined;
  if (declared === undefined) throw unknownFlow(name);
  return declared;
}

/** @param name what the client named; untrusted text */
export function unknownFlow(name: string): Problem {
  const detail = `There is no flow "${name.slice(0, 80)}": create it with PUT /flow/NAME, or list all with GET /flow.`;
  return new Problem("unknown_flow", detail);
}

/** Returns the version that a definition is. The newest one may be that of a write that came too late. */
export function versionOf(
  versions: readonly Pick<FlowVersion, "version" | "hash">[],
  hash: string,
): number | undefined {
  return versions.find((each) => each.hash === hash)?.version;
}

/** The functions that a flow calls, each once. */
export function functionsOf(definition: FlowDefinition): readonly string[] {
  const names = actionsOf(definition).flatMap((action) => (action.kind === "fn" ? [action.function] : []));
  return [...new Set(names)];
}

/** The flows that a flow begins, each once. */
export function flowsOf(definition: FlowDefinition): readonly string[] {
  const names = actionsOf(definition).flatMap((action) => (action.kind === "flow" ? [action.flow] : []));
  return [...new Set(names)];
}

export function actionsOf({ steps, finally: last }: FlowDefinition): readonly Action[] {
  return [...Object.values(steps), ...Object.values(last)].map(({ action }) => action);
}
