import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { Services } from "../services.ts";
import type { KnownFlows } from "./known-flows.ts";
import { flowsOf } from "./stored-flow.ts";

/** Most flows that are read. */
const MOST = 1_000;

/** Warns of a flow that begins itself, whether by a step of its own or through other declared flows. */
export async function circleWarnings(
  { platform, limits }: Pick<Services, "platform" | "limits">,
  flows: KnownFlows,
  definition: FlowDefinition,
): Promise<readonly string[]> {
  const first = definition.flow;
  /** Each flow that was reached, and from which one. */
  const from = new Map<string, string>();
  const queue: { readonly name: string; readonly calls: readonly string[] }[] = [
    { name: first, calls: flowsOf(definition) },
  ];
  for (const { name, calls } of queue) {
    for (const next of calls) {
      if (next === first) return [warning(pathTo(name, from, first), limits.flowDepth)];
      if (from.has(next) || from.size >= MOST) continue;
      from.set(next, name);
      const declared = await platform.declarations.get(FLOW_KIND, next);
      const read = declared && (await flows.read(declared));
      if (read !== undefined && "definition" in read)
        queue.push({ name: next, calls: flowsOf(read.definition) });
    }
  }
  return [];
}

function pathTo(name: string, from: ReadonlyMap<string, string>, first: string): readonly string[] {
  const path = [name];
  for (let at = name; at !== first; ) {
    at = from.get(at)!;
    path.unshift(at);
  }
  return path;
}

function warning(path: readonly string[], depth: number): string {
  const circle = [...path, path[0]!].map((name) => `"${name}"`).join(" → ");
  return `Runs of the flow begin runs of itself: ${circle}. Without a condition that ends it, this goes ${depth} runs deep (SKIFF_FLOW_DEPTH) and fails with invalid_flow.`;
}
