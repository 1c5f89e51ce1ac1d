import { signal } from "@preact/signals";
import { api } from "../api/client.ts";
import { asProblem, problemFrom } from "../api/problem.ts";
import { credential, signIn, signOut } from "./credential.ts";

export type Scope = "call" | "read" | "deploy" | "run" | "admin";

/** Who is signed in: `GET /whoami`. */
export interface Holder {
  readonly by: string;
  readonly keyId?: string;
  readonly scopes: readonly Scope[];
  readonly functions?: readonly string[];
  /** Base URL of the API and the functions. */
  readonly url: string;
}

export interface SessionConfig {
  readonly version: string;
  readonly oidc: { readonly issuer: string } | null;
  /** Skiff prints one-time links. */
  readonly hasLogin: boolean;
}

/** Undefined before the first answer and for nobody. */
export const holder = signal<Holder | undefined>(undefined);
/** Why nobody is signed in, for the page that asks. */
export const signInFault = signal<string | undefined>(undefined);

/** Whether who is signed in has a scope; `admin` includes all. */
export function can(scope: Scope): boolean {
  const scopes = holder.value?.scopes ?? [];
  return scopes.includes(scope) || scopes.includes("admin");
}

/** Takes what a link brings: `#login=` is used up once, `#key=` is a key. Then reads who that is. */
export async function openSession(): Promise<void> {
  const link = new URLSearchParams(location.hash.slice(1));
  const [login, key] = [link.get("login"), link.get("key")];
  // Neither stays in the address or in the history.
  if (login !== null || key !== null) history.replaceState(null, "", location.pathname + location.search);
  if (key !== null) signIn(key);
  if (login !== null) await useLogin(login);
  await readHolder();
}

/** Tries a key or token that somebody entered. */
export async function signInWith(text: string): Promise<void> {
  signInFault.value = undefined;
  signIn(text);
  await readHolder();
}

export async function leave(): Promise<void> {
  const { keyId, by } = holder.value ?? {};
  // Made for this page by a one-time link.
  if (keyId !== undefined && by?.startsWith("key dashboard ")) {
    await api.send("DELETE", `/key/${keyId}`).catch(() => undefined);
  }
  signOut();
  holder.value = undefined;
}

async function readHolder(): Promise<void> {
  if (credential.value === undefined) return;
  try {
    holder.value = await api.get<Holder>("/whoami");
  } catch (error) {
    const problem = asProblem(error);
    holder.value = undefined;
    signInFault.value = problem.message;
  }
}

async function useLogin(login: string): Promise<void> {
  try {
    const response = await fetch("/session", {
      ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
      body: JSON.stringify({ login }),
    });
    if (!response.ok) throw await problemFrom(response);
    const { key } = (await response.json()) as { key: string };
    signIn(key);
  } catch (error) {
    // A link that was used before does no harm to who is signed in already.
    if (credential.value === undefined) signInFault.value = asProblem(error).message;
  }
}
