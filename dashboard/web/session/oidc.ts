import { problemFrom } from "../api/problem.ts";
import { signInWith } from "./session.ts";

/** Where the page keeps what it needs after the way through the provider; of this tab alone. */
const PLACE = "skiff.oidc";

interface Begun {
  readonly url: string;
  readonly [member: string]: unknown;
}

/** Sends the browser to the provider (authorization code with PKCE, RFC 7636). */
export async function beginSignIn(): Promise<void> {
  const begun = (await post("/session/oidc", {})) as Begun;
  sessionStorage.setItem(PLACE, JSON.stringify(begun));
  location.assign(begun.url);
}

/** Ends a sign-in at the address to which the provider sends the browser back. */
export async function finishSignIn(): Promise<void> {
  const begun = JSON.parse(sessionStorage.getItem(PLACE) ?? "null") as Begun | null;
  sessionStorage.removeItem(PLACE);
  const search = location.search;
  history.replaceState(history.state, "", "/");
  if (begun === null) return;
  const { token } = (await post("/session/oidc/finish", { ...begun, search })) as { token: string };
  await signInWith(token);
}

async function post(path: string, json: unknown): Promise<unknown> {
  const response = await fetch(path, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    body: JSON.stringify(json),
  });
  if (!response.ok) throw await problemFrom(response);
  return await response.json();
}
