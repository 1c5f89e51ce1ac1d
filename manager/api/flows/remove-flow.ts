import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { LIVE_STATES } from "../../../platform/flows/run/error.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Runs } from "../../../store/flows/runs.ts";
import { answerJson } from "../answer.ts";
import { ifRevisionOf, revisionCondition } from "../events/revision-condition.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireFlow, unknownFlow } from "./stored-flow.ts";

const BATCH = 500;

/** `DELETE /flow/NAME?runs=cancel`: live runs go on by their own definition, unless they are cancelled. */
export function removeFlow(services: Services): Handler {
  const { platform, store, keys } = services;
  return async (ctx) => {
    const { runs: wanted } = readParameters(ctx, { runs: readRuns });
    const name = ctx.params.name!;
    const condition = revisionCondition(ctx);
    if (condition === null) throw new Problem("invalid_request", "If-None-Match has no meaning for DELETE.");
    const before = await requireFlow(services, name);
    const ifRevision = ifRevisionOf(condition, before, `flow "${name}"`) ?? undefined;
    const runs = store?.runs;
    const live = runs === undefined ? 0 : await liveRuns(runs, name);
    if (!(await platform.declarations.remove(FLOW_KIND, name, { ifRevision }))) throw unknownFlow(name);
    await runs?.versions.remove(name);
    if (wanted !== "cancel" || runs === undefined) return answerJson(ctx, { success: true, live });
    const { by } = ctx.state;
    const cancelled = await cancelAll(runs, { flow: name, by, now: keys.now() });
    ctx.state.audited = { target: `flow/${name}`, detail: `${cancelled} runs cancelled` };
    answerJson(ctx, { success: true, live: 0, cancelled });
  };
}

async function liveRuns(runs: Runs, name: string): Promise<number> {
  const totals = (await runs.totals()).find(({ flow }) => flow === name);
  return Object.values(totals?.live ?? {}).reduce((sum, count) => sum + count, 0);
}

async function cancelAll(
  runs: Runs,
  { flow, by, now }: { readonly flow: string; readonly by: string; readonly now: number },
): Promise<number> {
  const signal = { kind: "cancel", by, reason: "The flow was deleted." } as const;
  let cancelled = 0;
  let after: string | undefined;
  for (;;) {
    const page = await runs.list({ flow, states: LIVE_STATES, after, limit: BATCH });
    const sent = await runs.signal(
      page.map(({ id }) => ({ run: id, signal })),
      now,
    );
    cancelled += sent.filter(Boolean).length;
    if (page.length < BATCH) return cancelled;
    after = page.at(-1)!.id;
  }
}

function readRuns(text: string | undefined): "cancel" | undefined {
  if (text === undefined || text === "cancel") return text;
  const detail = `runs=${text.slice(0, 40)} is not valid: use runs=cancel, or leave it out and live runs go on.`;
  throw new Problem("invalid_request", detail);
}
