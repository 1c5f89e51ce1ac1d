import { credential, ended, PLACE, refreshToken, signIn } from "./credential.ts";

const ANSWER_MS = 20_000;

let renewing: Promise<boolean> | undefined;

/**
 * Gets a newer token in place of one that the API refused, if the issuer gave a refresh token. Of several requests and tabs
 * one asks: many issuers take a refresh token once.
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
  const stored = localStorage.getItem(PLACE);
  const refresh = refreshToken();
  if (stored !== null && stored !== refused) {
    // Another tab was first.
    credential.value = stored;
    ended.value = undefined;
    return true;
  }
  if (refresh === undefined) return false;
  const response = await fetch("/session/oidc/refresh", {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    body: JSON.stringify({ refresh }),
    signal: AbortSignal.timeout(ANSWER_MS),
    // Without an answer the person signs in again, and is told why the session has ended.
  }).catch(() => undefined);
  if (!response?.ok) return false;
  const { token, refresh: next = refresh } = (await response.json()) as { token: string; refresh?: string };
  signIn(token, next);
  return true;
}
