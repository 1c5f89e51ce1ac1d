import { problemFrom } from "../api/problem.ts";
import { signInFault, signInWith } from "./session.ts";

/** Where the page keeps what it needs after the way through the provider; of this tab alone. */
const PLACE = "skiff.oidc";

/**
 * Prefix for sign-ins in a new tab, which cannot read the session storage of the tab that waits. Each has an entry under its
 * state: several tabs can wait at once.
 */
const AGAIN = "skiff.oidc.again.";
/** A dialog can stay open over a weekend before somebody follows its link. */
const AGAIN_MS = 7 * 86_400_000;

interface Finished {
  readonly token: string;
  readonly refresh?: string;
}

interface Begun {
  readonly url: string;
  readonly state: string;
  readonly [member: string]: unknown;
}

/** Sends the browser to the provider (authorization code with PKCE, RFC 7636). */
export async function beginSignIn(): Promise<void> {
  const begun = (await post("/session/oidc", {})) as Begun;
  sessionStorage.setItem(PLACE, JSON.stringify(begun));
  location.assign(begun.url);
}

/** Begins a sign-in that another tab ends, and returns the address for that tab. This one keeps its page. */
export async function beginAgain(): Promise<string> {
  const begun = (await post("/session/oidc", {})) as Begun;
  forgetOld();
  localStorage.setItem(AGAIN + begun.state, JSON.stringify({ ...begun, at: Date.now() }));
  return begun.url;
}

/** Removes sign-ins that nobody finished. */
function forgetOld(): void {
  const places = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? "");
  for (const place of places.filter((each) => each.startsWith(AGAIN))) {
    const { at } = JSON.parse(localStorage.getItem(place) ?? "{}") as { at?: number };
    if (at === undefined || Date.now() - at > AGAIN_MS) localStorage.removeItem(place);
  }
}

/**
 * Ends a sign-in at the address to which the provider sends the browser back. Returns whether another tab waits for it.
 */
export async function finishSignIn(): Promise<boolean> {
  const search = location.search;
  history.replaceState(history.state, "", "/");
  const state = new URLSearchParams(search).get("state");
  const own = take(sessionStorage, PLACE, state);
  const begun = own ?? take(localStorage, `${AGAIN}${state}`, state);
  if (begun === undefined) {
    signInFault.value =
      "This sign-in was finished before, is too old, or began in another browser: sign in again.";
    return false;
  }
  const answer = (await post("/session/oidc/finish", { ...begun, search })) as Finished;
  await signInWith(answer.token, answer.refresh);
  return own === undefined;
}

/** Returns the begun sign-in with a state, which can be finished once. */
function take(storage: Storage, place: string, state: string | null): Begun | undefined {
  const begun = JSON.parse(storage.getItem(place) ?? "null") as Begun | null;
  if (begun?.state !== state) return undefined;
  storage.removeItem(place);
  return begun;
}

async function post(path: string, json: unknown): Promise<unknown> {
  const response = await fetch(path, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    body: JSON.stringify(json),
  });
  if (!response.ok) throw await problemFrom(response);
  return await response.json();
}
