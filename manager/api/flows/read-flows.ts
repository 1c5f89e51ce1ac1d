import type { Declared } from "../../../platform/declarations.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { ENDED_STATES, LIVE_STATES } from "../../../platform/flows/run/error.ts";
import type { FlowTotals } from "../../../store/flows/runs.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName } from "../cursor.ts";
import { pageReaders } from "../events/declarations.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { fromStore, requirePart } from "../store.ts";
import { flowErrors, type KnownFlows } from "./known-flows.ts";
import { missingTargets } from "./missing-targets.ts";
import { requireFlow, versionOf } from "./stored-flow.ts";
import { triggerStates } from "./trigger-states.ts";

type Document = Readonly<Record<string, unknown>>;

/** `GET /flow`: a page of flows in order of name. */
export function listFlows(services: Services, flows: KnownFlows): Handler {
  const { platform, limits } = services;
  const readers = pageReaders(limits.pageSize);
  return async (ctx) => {
    const { limit, cursor: after } = readParameters(ctx, readers);
    const found = await platform.declarations.list(FLOW_KIND, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const documents = await flowDocuments(services, flows, page);
    const next = found.length > limit ? cursorFromName(page.at(-1)!.name) : null;
    answerJson(ctx, { flows: documents, next });
  };
}

/** `GET /flow/NAME`: also its definition, its triggers, and what it names and is not there. */
export function describeFlow(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const declared = await requireFlow(services, ctx.params.name!);
    ctx.set("etag", `"${declared.revision}"`);
    const [document] = await flowDocuments(services, flows, [declared]);
    const read = await flows.read(declared);
    if ("faults" in read) return answerJson(ctx, document);
    const { definition } = read;
    const [warnings, triggers] = await Promise.all([
      missingTargets(services, definition),
      triggerStates(services, definition, declared.createdAt),
    ]);
    answerJson(ctx, { ...document, triggers, definition, ...(warnings.length === 0 ? {} : { warnings }) });
  };
}

/** `GET /flow/NAME/source`: the text as it was posted. */
export function readFlowSource(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const declared = await requireFlow(services, ctx.params.name!);
    ctx.set("etag", `"${declared.revision}"`);
    const { text } = await flows.read(declared);
    ctx.set("content-type", /^\s*\{/.test(text) ? "application/json" : "application/yaml");
    ctx.body = text;
  };
}

async function flowDocuments(
  services: Services,
  flows: KnownFlows,
  all: readonly Declared[],
): Promise<readonly Document[]> {
  const state = all.length === 0 ? { missing: "" } : await fromStore(services, () => stateOf(services, all));
  return await Promise.all(
    all.map(async (declared) => {
      const { name, createdAt, updatedAt } = declared;
      const read = await flows.read(declared);
      const times = { createdAt, updatedAt };
      const own = "found" in state ? state.found.get(name) : undefined;
      const runs =
        own === undefined ? { noState: "missing" in state ? state.missing : "" } : { runs: own.runs };
      if ("faults" in read) return { name, faults: flowErrors(name, read.faults), ...runs, ...times };
      const version = own && versionOf(own.versions, read.hash);
      const { on, description } = read.definition;
      return { name, description, version, on, ...runs, ...times };
    }),
  );
}

/** What the store has of flows, by name. */
async function stateOf(services: Services, all: readonly Pick<Declared, "name">[]) {
  const runs = requirePart(services, "runs");
  const [totals, versions] = await Promise.all([
    runs.totals(),
    Promise.all(all.map(({ name }) => runs.versions.list(name))),
  ]);
  const byFlow = new Map(totals.map((each) => [each.flow, each]));
  return new Map(
    all.map(({ name }, index) => [name, { versions: versions[index]!, runs: countsOf(byFlow.get(name)) }]),
  );
}

/** Runs by state: live ones now, and all that ever ended. */
function countsOf(totals: FlowTotals | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries([
    ...LIVE_STATES.map((state) => [state, totals?.live[state] ?? 0]),
    ...ENDED_STATES.map((state) => [state, totals?.ended[state] ?? 0]),
  ]);
}
