import { signal } from "@preact/signals";

/** Of this origin, which serves this page alone. Never a cookie: those go to every port of the host. */
export const PLACE = "skiff.credential";
const REFRESH = "skiff.refresh";

/** The key or token that this page sends; undefined before somebody signs in. */
export const credential = signal<string | undefined>(localStorage.getItem(PLACE) ?? undefined);

/** Why the API does not take the credential any more. The page stays, for whoever signs in again. */
export const ended = signal<string | undefined>(undefined);

/** @param refresh gets a newer token from the issuer */
export function signIn(text: string, refresh?: string): void {
  // It goes first: other tabs act on the credential.
  if (refresh === undefined) localStorage.removeItem(REFRESH);
  else localStorage.setItem(REFRESH, refresh);
  localStorage.setItem(PLACE, text);
  credential.value = text;
  ended.value = undefined;
}

export function refreshToken(): string | undefined {
  return localStorage.getItem(REFRESH) ?? undefined;
}

export function signOut(): void {
  localStorage.removeItem(PLACE);
  localStorage.removeItem(REFRESH);
  credential.value = undefined;
  ended.value = undefined;
}

// Other tabs of this browser.
addEventListener("storage", ({ key, newValue }) => {
  if (key !== PLACE) return;
  credential.value = newValue ?? undefined;
  ended.value = undefined;
});
