import type { Principal } from "../../../http/access/principal.ts";
import { ENDED_STATES } from "../../../platform/flows/run/error.ts";
import { includesScope, type Scope } from "../../../platform/keys/scopes.ts";
import { Problem } from "../../../platform/problems.ts";
import type { RunRecord } from "../../../store/flows/runs.ts";
import type { Call, Services } from "../services.ts";
import { requirePart } from "../store.ts";

const ID = /^[0-9a-f]{32}$/;

/** Whether somebody may read or change a run: with the scope and for all functions, or because it began the run. */
function reaches({ scopes, functions, keyId }: Principal, scope: Scope, run: RunRecord): boolean {
  if (run.keyId !== undefined && run.keyId === keyId) return true;
  return functions === undefined && includesScope(scopes, scope);
}

/**
 * Returns the run that the path names. Nobody learns that a run of others exists.
 * @throws Problem `unknown_run`, `store_unavailable`
 */
export async function requireRun(services: Services, ctx: Call, scope: Scope): Promise<RunRecord> {
  return await findRun(services, ctx, { id: ctx.params.id!, scope });
}

/** As `requireRun`, for a run that the query names. */
export async function findRun(
  services: Services,
  ctx: Call,
  { id, scope }: { readonly id: string; readonly scope: Scope },
): Promise<RunRecord> {
  const name = ctx.params.name!;
  const run = ID.test(id) ? await requirePart(services, "runs").get(id) : undefined;
  if (run?.flow !== name || !reaches(ctx.state.principal, scope, run)) throw unknownRun(name, id);
  return run;
}

/** @param id what the client named; untrusted text */
export function unknownRun(name: string, id: string): Problem {
  const flow = name.slice(0, 80);
  const detail = `The flow "${flow}" has no run "${id.slice(0, 80)}": ended runs are removed after a while. List all with GET /flow/${flow}/run.`;
  return new Problem("unknown_run", detail);
}

export function hasEnded({ state }: Pick<RunRecord, "state">): boolean {
  return (ENDED_STATES as readonly string[]).includes(state);
}
