import { problemFrom } from "../api/problem.ts";
import { signInWith } from "./session.ts";

/** Where the page keeps what it needs after the way through the provider; of this tab alone. */
const PLACE = "skiff.oidc";

/** The same for a sign-in in a tab of its own, which has no storage of the tab that waits for it. */
const AGAIN = "skiff.oidc.again";
const PLACES = [PLACE, AGAIN] as const;

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
  localStorage.setItem(AGAIN, JSON.stringify(begun));
  return begun.url;
}

/**
 * Ends a sign-in at the address to which the provider sends the browser back. Returns whether another tab waits for it.
 */
export async function finishSignIn(): Promise<boolean> {
  const search = location.search;
  history.replaceState(history.state, "", "/");
  const state = new URLSearchParams(search).get("state");
  const found = [sessionStorage, localStorage].map((storage, index) => {
    const begun = JSON.parse(storage.getItem(PLACES[index]!) ?? "null") as Begun | null;
    if (begun?.state !== state) return undefined;
    storage.removeItem(PLACES[index]!);
    return begun;
  });
  const [own, again] = found;
  const begun = own ?? again;
  if (begun === undefined) return false;
  const answer = (await post("/session/oidc/finish", { ...begun, search })) as Finished;
  await signInWith(answer.token, answer.refresh);
  return own === undefined;
}

async function post(path: string, json: unknown): Promise<unknown> {
  const response = await fetch(path, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    body: JSON.stringify(json),
  });
  if (!response.ok) throw await problemFrom(response);
  return await response.json();
}
