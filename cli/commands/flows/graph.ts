import type { FlowGraph } from "../../../platform/flows/graph/flow-graph.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { flowPath } from "./flow-path.ts";
import { isFlowFile, requireFlow } from "./read-flow.ts";

interface GraphOptions {
  readonly format?: string;
  readonly run?: string;
}

/** Prints the picture of a file, or of a flow of the Skiff. */
export async function printGraph({ api, options, out, surroundings }: Task<GraphOptions>, of: string) {
  const { format = "mermaid", run } = options;
  if (!isFlowFile(of)) return out.write(await api.text(flowPath(of, "/graph"), { query: { format, run } }));
  if (run !== undefined) throw new UsageError("--run needs the name of a flow: a file has no runs.");
  const { flowGraph } = await import("../../../platform/flows/graph/flow-graph.ts");
  const { definition } = await requireFlow(of, surroundings);
  out.write(await drawn(flowGraph(definition), format));
}

async function drawn(graph: FlowGraph, format: string): Promise<string> {
  if (format === "json") return `${JSON.stringify(graph, undefined, 2)}\n`;
  if (format === "svg") return (await import("../../../platform/flows/graph/svg.ts")).svgOf(graph);
  return (await import("../../../platform/flows/graph/mermaid.ts")).mermaidOf(graph);
}
