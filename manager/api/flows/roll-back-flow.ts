import { Problem } from "../../../platform/problems.ts";
import { answerJson } from "../answer.ts";
import { ifRevisionOf, revisionCondition } from "../events/revision-condition.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireCommands } from "./flow-commands.ts";
import { textOf, versionBefore, versionsOf } from "./flow-versions.ts";
import type { KnownFlows } from "./known-flows.ts";
import { missingTargets } from "./missing-targets.ts";
import { requireFlow, storeFlow } from "./stored-flow.ts";

/** `POST /flow/NAME/rollback?to=N`: a new version with the text of N, by default of the version before. */
export function rollBackFlow(services: Services, flows: KnownFlows): Handler {
  const readers = { to: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const { to } = readParameters(ctx, readers);
    const condition = revisionCondition(ctx);
    if (condition === null) throw new Problem("invalid_request", "If-None-Match has no meaning here.");
    const name = ctx.params.name!;
    const before = await requireFlow(services, name);
    const ifRevision = ifRevisionOf(condition, before, `flow "${name}"`) ?? before.revision;
    const found = await versionsOf(services, flows, ctx);
    const from = found.current ?? found.kept[0]?.version;
    const source = await textOf(services, found, to ?? versionBefore(found, from ?? 1));
    const flow = await flows.require(name, source.text);
    requireCommands(ctx.state.principal, flow.definition);
    const message = `Roll back to version ${source.version}`;
    const stored = await storeFlow(services, { name, flow, ifRevision, by: ctx.state.by, message });
    const { declared, version } = stored;
    ctx.state.audited = {
      target: `flow/${name}`,
      detail: `from version ${from} to version ${source.version}`,
    };
    ctx.set("etag", `"${declared.revision}"`);
    const warnings = await missingTargets(services, flow.definition);
    answerJson(ctx, { name, version, from, to: source.version, warnings });
  };
}
