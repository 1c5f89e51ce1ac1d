import { problemFrom, unreachable } from "../api/problem.ts";
import { credential, ended, PLACE, refreshToken, signIn } from "./credential.ts";

const ANSWER_MS = 20_000;

let renewing: Promise<boolean> | undefined;

/**
 * Gets a newer token in place of one that the API refused, if the issuer gave a refresh token. Only
 * one of several requests and tabs asks, because many issuers accept a refresh token once.
 */
export function renew(refused: string): Promise<boolean> {
  renewing ??= alone(() => ask(refused)).finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function alone(act: () => Promise<boolean>): Promise<boolean> {
  // Browsers have no locks on HTTP at another host than this one.
  if (navigator.locks === undefined) return await act();
  return await navigator.locks.request("skiff.refresh", act);
}

async function ask(refused: string): Promise<boolean> {
  if (isReplaced(refused)) return takeStored();
  const refresh = refreshToken();
  if (refresh === undefined) return false;
  const response = await post("/session/oidc/refresh", {
    body: JSON.stringify({ refresh }),
    signal: AbortSignal.timeout(ANSWER_MS),
    // Without an answer the person signs in again, and the dialog shows why the session has ended.
  }).catch(() => undefined);
  if (!response?.ok) return isReplaced(refused) && takeStored();
  const { token, refresh: next = refresh } = (await response.json()) as { token: string; refresh?: string };
  if (isReplaced(refused)) {
    // The server logs a failure.
    await revokeAtIssuer(next);
    return takeStored();
  }
  signIn(token, next);
  return true;
}

/** Whether somebody signed out or in meanwhile, here or in another tab, or another tab renewed the token first. */
function isReplaced(refused: string): boolean {
  return localStorage.getItem(PLACE) !== refused;
}

/** Uses the credential that is stored now. Returns whether there is one. */
function takeStored(): boolean {
  const stored = localStorage.getItem(PLACE);
  if (stored === null) return false;
  credential.value = stored;
  ended.value = undefined;
  return true;
}

/** Revokes a refresh token at the issuer (RFC 7009). Returns why that failed. */
export async function revokeAtIssuer(refresh: string): Promise<string | undefined> {
  // It outlives a page that is closed after the sign-out.
  const init = { body: JSON.stringify({ refresh }), keepalive: true, signal: AbortSignal.timeout(ANSWER_MS) };
  try {
    const response = await post("/session/oidc/revoke", init);
    return response.ok ? undefined : (await problemFrom(response)).message;
  } catch (error) {
    return unreachable(error).message;
  }
}

function post(path: string, init: RequestInit): Promise<Response> {
  return fetch(path, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    ...init,
  });
}
