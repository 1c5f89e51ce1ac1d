import { requireAllFunctions, requireScope } from "../../../http/access/principal.ts";
import { flowGraph } from "../../../platform/flows/graph/flow-graph.ts";
import { mermaidOf } from "../../../platform/flows/graph/mermaid.ts";
import { Problem } from "../../../platform/problems.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import { readRun } from "../runs/run-reading.ts";
import { findRun } from "../runs/visible-runs.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { invalidFlow, type KnownFlows } from "./known-flows.ts";
import { requireFlow } from "./stored-flow.ts";

const FORMATS = ["json", "mermaid", "svg"] as const;
type Format = (typeof FORMATS)[number];

/** `GET /flow/NAME/graph?format=json|mermaid|svg&run=ID`: with `run` the steps have their states. */
export function answerGraph(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    const { format, run } = readParameters(ctx, { format: readFormat, run: (text?: string) => text });
    const graph = await graphOf(services, flows, ctx, run);
    if (format === "json") return answerJson(ctx, graph);
    if (format === "mermaid") {
      ctx.set("content-type", "text/plain; charset=utf-8");
      ctx.body = mermaidOf(graph);
      return;
    }
    const { svgOf } = await import("../../../platform/flows/graph/svg.ts");
    ctx.set("content-type", "image/svg+xml");
    // A picture that is opened by itself acts as a page.
    ctx.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    ctx.body = svgOf(graph);
  };
}

async function graphOf(services: Services, flows: KnownFlows, ctx: Call, run: string | undefined) {
  if (run === undefined) {
    const { principal } = ctx.state;
    // The route lets keys with `call` pass, for the graphs of the runs that they began.
    requireScope(principal, "read");
    requireAllFunctions(principal);
    const read = await flows.read(await requireFlow(services, ctx.params.name!));
    if ("faults" in read) throw invalidFlow(ctx.params.name!, read.faults);
    return flowGraph(read.definition);
  }
  const record = await findRun(services, ctx, { id: run, scope: "read" });
  const { definition, steps } = (await readRun(requirePart(services, "runs"), record)).describe();
  return flowGraph(definition, Object.fromEntries(steps.map(({ name, state }) => [name, state])));
}

function readFormat(text: string | undefined): Format {
  if (text === undefined) return "json";
  const format = FORMATS.find((each) => each === text);
  if (format !== undefined) return format;
  throw new Problem(
    "invalid_request",
    `format=${text.slice(0, 40)} is not valid: use ${FORMATS.join(", ")}.`,
  );
}
