import { createHash } from "node:crypto";
import { cronFault } from "../events/cron.ts";
import type { FlowDefinition } from "../flows/definition/definition.ts";
import type { FlowFault } from "../flows/definition/parse.ts";
import type { Limits } from "../limits.ts";

/** A flow as somebody wrote it, and what it means. */
export interface ValidFlow {
  /** As it was posted, or YAML of what was applied to the cluster. */
  readonly text: string;
  readonly definition: FlowDefinition;
  /** SHA-256 of the definition: texts that differ in comments alone have the same. */
  readonly hash: string;
}

/** Lines of faults are those of the text. */
export interface InvalidFlow {
  readonly text: string;
  readonly faults: readonly FlowFault[];
}

/** A declared flow may not be valid: nothing checks what is applied to the cluster. */
export type DeclaredFlow = ValidFlow | InvalidFlow;

/**
 * Reads the spec of a declaration of the kind Flow, with every check that there is. Versions are told apart by `hash`, so whoever
 * stores one uses this. The parser and what checks schemas load with the first use.
 */
export async function readDeclaredFlow(
  { name, spec }: { readonly name: string; readonly spec: Readonly<Record<string, unknown>> },
  limits: Limits,
): Promise<DeclaredFlow> {
  const { flowOfSpec } = await import("../flows/definition/parse.ts");
  const { schemaFault } = await import("../flows/input/json-schema.ts");
  const read = flowOfSpec(spec, { name, limits, checkSchema: schemaFault, checkCron: cronFault });
  const { text, definition, faults } = read;
  if (definition === undefined) return { text, faults };
  const hash = createHash("sha256").update(JSON.stringify(definition)).digest("hex");
  return { text, definition, hash };
}
