import { isDeclarationName } from "../../../platform/declarations.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { ENDED_STATES, LIVE_STATES, type RunState } from "../../../platform/flows/run/error.ts";
import { answerJson } from "../answer.ts";
import { idFromCursor } from "../cursor.ts";
import { unknownFlow } from "../flows/stored-flow.ts";
import { readParameters, someOf, wholeNumber } from "../read-query.ts";
import { readTime } from "../read-time.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { runDocument } from "./run-document.ts";

const STATES: readonly RunState[] = [...LIVE_STATES, ...ENDED_STATES];

/** `GET /flow/NAME/run?state=&since=&until=&limit=&cursor=`: runs, newest first, also of a flow that was removed. */
export function listRuns(services: Services): Handler {
  return answerRuns(services, (ctx) => ctx.params.name!);
}

/** `GET /run?state=&since=&until=&limit=&cursor=`: runs of all flows, newest first. */
export function listAllRuns(services: Services): Handler {
  return answerRuns(services, () => undefined);
}

function answerRuns(services: Services, flowOf: (ctx: Call) => string | undefined): Handler {
  const { limits, keys, platform } = services;
  const time = (text: string | undefined, name: string) => readTime(text, name, keys.now())?.getTime();
  return async (ctx) => {
    const { state, since, until, limit, cursor } = readParameters(ctx, {
      ...{ state: someOf(STATES), since: time, until: time },
      ...{ limit: wholeNumber(1, limits.pageSize, limits.pageSize), cursor: idFromCursor },
    });
    const flow = flowOf(ctx);
    const runs = requirePart(services, "runs");
    const found = await runs.list({
      ...{ flow, states: state, acceptedSince: since, acceptedUntil: until },
      ...{ after: cursor, limit: limit + 1 },
    });
    const isKnown = flow === undefined || found.length > 0 || cursor !== undefined;
    if (!isKnown && !(isDeclarationName(flow) && (await platform.declarations.get(FLOW_KIND, flow))))
      throw unknownFlow(flow);
    const page = found.slice(0, limit);
    const next = found.length > limit ? page.at(-1)!.id : null;
    answerJson(ctx, { runs: page.map(runDocument), next });
  };
}
