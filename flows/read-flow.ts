import type { Declared } from "../platform/declarations.ts";
import { readDeclaredFlow } from "../platform/declared-flows/declared-flow.ts";
import type { FlowDefinition } from "../platform/flows/definition/definition.ts";
import type { FlowFault } from "../platform/flows/definition/parse.ts";
import type { Limits } from "../platform/limits.ts";
import type { FlowVersions } from "../store/flows/runs.ts";

export interface ReadFlowOptions {
  readonly versions: Pick<FlowVersions, "list" | "add">;
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a declaration says: a definition with the number of its version, or what is wrong with it. */
export type ReadFlow =
  | { readonly definition: FlowDefinition; readonly version: number }
  | { readonly faults: readonly FlowFault[] };

/**
 * Reads the declaration of a flow. A text that was applied past the API gets the number of its version here. One that was there
 * before has its number: programs learn of changes at different times, and must not count them twice.
 * @throws Problem `store_unavailable`
 */
export async function readFlow(
  declared: Pick<Declared, "name" | "spec">,
  { versions, limits, now }: ReadFlowOptions,
): Promise<ReadFlow> {
  const read = await readDeclaredFlow(declared, limits);
  if ("faults" in read) return { faults: read.faults };
  const { text, definition, hash } = read;
  const flow = declared.name;
  const before = (await versions.list(flow)).find((each) => each.hash === hash);
  const version = before?.version ?? (await versions.add({ flow, text, hash, at: now(), by: "apply" }));
  return { definition, version };
}
