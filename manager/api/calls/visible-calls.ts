import type { Principal } from "../../../http/access/principal.ts";
import { includesScope, type Scope } from "../../../platform/keys/scopes.ts";
import { Problem } from "../../../platform/problems.ts";
import type { CallHead } from "../../../store/call.ts";
import type { CallFilter } from "../../../store/calls.ts";
import type { Services } from "../services.ts";
import { requirePart } from "../store.ts";

const ID = /^[0-9a-f]{32}$/;

/** Returns whether somebody may read or change a call: with the scope for its function, or because it made the call. */
export function reaches(principal: Principal, scope: Scope, { target, keyId }: CallHead): boolean {
  const { scopes, functions } = principal;
  if (keyId !== undefined && keyId === principal.keyId) return true;
  if (!includesScope(scopes, scope)) return false;
  return functions === undefined || ("function" in target && functions.includes(target.function));
}

/**
 * Restricts a filter to what somebody may see.
 * @returns undefined if that is nothing
 */
export function reachable(principal: Principal, scope: Scope, filter: CallFilter): CallFilter | undefined {
  const { scopes, functions, keyId } = principal;
  if (!includesScope(scopes, scope)) return keyId === undefined ? undefined : { ...filter, keyId };
  if (functions === undefined) return filter;
  const asked = filter.functions ?? functions;
  const allowed = asked.filter((name) => functions.includes(name));
  return allowed.length === 0 ? undefined : { ...filter, functions: allowed };
}

/**
 * Returns a call that the caller may read or change, without its bodies. Nobody learns that a call of others exists.
 * @throws Problem `unknown_call`, `store_unavailable`
 */
export async function requireCall(
  services: Services,
  { principal, id }: { readonly principal: Principal; readonly id: string },
  scope: Scope,
): Promise<CallHead> {
  const calls = requirePart(services, "calls");
  const record = ID.test(id) ? await calls.head(id) : undefined;
  if (record === undefined || !reaches(principal, scope, record)) throw unknownCall(id);
  return record;
}

/** @param id what the client named; untrusted text */
export function unknownCall(id: string): Problem {
  const detail = `There is no call "${id.slice(0, 80)}": records of ended calls are removed after a while. List all with GET /call.`;
  return new Problem("unknown_call", detail);
}
