import { checkDeclarationName, preconditionFailed } from "../../../platform/declarations.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { Problem } from "../../../platform/problems.ts";
import { answerJson } from "../answer.ts";
import { readSpecText } from "../events/read-spec.ts";
import { ifRevisionOf, revisionCondition } from "../events/revision-condition.ts";
import { flag, readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { MESSAGE_LENGTH } from "../versions/read-options.ts";
import { circleWarnings } from "./circles.ts";
import { requireCommands } from "./flow-commands.ts";
import type { KnownFlows } from "./known-flows.ts";
import { missingTargets } from "./missing-targets.ts";
import { storeFlow } from "./stored-flow.ts";

/** `PUT /flow/NAME?message=&dryRun=`: the body is the text of the flow, in YAML or JSON. With `dryRun` it is only checked. */
export function putFlow(services: Services, flows: KnownFlows): Handler {
  const { platform, limits } = services;
  const { declarations } = platform;
  return async (ctx) => {
    const { dryRun, message } = readParameters(ctx, { dryRun: flag, message: readMessage });
    const name = ctx.params.name!;
    checkDeclarationName(FLOW_KIND, name);
    const condition = revisionCondition(ctx);
    const { text } = await readSpecText(ctx.req, limits.specBytes);
    const flow = await flows.require(name, text);
    requireCommands(ctx.state.principal, flow.definition);
    const before = await declarations.get(FLOW_KIND, name);
    const what = `flow "${name}"`;
    const ifRevision = ifRevisionOf(condition, before, what);
    // Before the version is numbered.
    if (ifRevision === null && before !== undefined) throw preconditionFailed(what, null);
    const created = before === undefined;
    const warnings = [
      ...(await missingTargets(services, flow.definition)),
      ...(await circleWarnings(services, flows, flow.definition)),
    ];
    if (dryRun) {
      const unchanged = before?.spec.source === text;
      ctx.state.audited = { target: `flow/${name}`, detail: "dry run" };
      return answerJson(ctx, { name, dryRun, created, unchanged, warnings });
    }
    const stored = await storeFlow(services, { name, flow, ifRevision, by: ctx.state.by, message });
    const { declared, version } = stored;
    const unchanged = declared.revision === before?.revision;
    if (created) {
      ctx.status = 201;
      ctx.set("location", `/flow/${name}`);
    }
    const change = created ? "created" : unchanged ? "unchanged" : "changed";
    ctx.state.audited = {
      target: `flow/${name}`,
      detail: version === undefined ? change : `${change}, version ${version}`,
    };
    ctx.set("etag", `"${declared.revision}"`);
    const { createdAt, updatedAt } = declared;
    answerJson(ctx, { name, version, createdAt, updatedAt, created, unchanged, warnings });
  };
}

function readMessage(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= MESSAGE_LENGTH) return text || undefined;
  const detail = `The message has ${text.length} characters, at most ${MESSAGE_LENGTH}: shorten it.`;
  throw new Problem("invalid_request", detail);
}
