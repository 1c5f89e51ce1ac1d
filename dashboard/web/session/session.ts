import { signal } from "@preact/signals";
import { api } from "../api/client.ts";
import { ApiProblem, asProblem, problemFrom } from "../api/problem.ts";
import { showProblem } from "../ui/toast.tsx";
import { credential, PLACE, signIn, signOut } from "./credential.ts";

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

/** A key of a link, while somebody else is signed in. Any page can send a browser to such a link. */
export interface Offer {
  readonly key: string;
  readonly holder: Holder;
}

/** Undefined before the first answer and for nobody. */
export const holder = signal<Holder | undefined>(undefined);
/** Why nobody is signed in, for the page that asks. */
export const signInFault = signal<string | undefined>(undefined);
/** Why it is not known who is signed in: Skiff did not say. Nobody is signed out for that. */
export const unanswered = signal<ApiProblem | undefined>(undefined);
export const offer = signal<Offer | undefined>(undefined);

/** Whether who is signed in has a scope; `admin` includes all. */
export function can(scope: Scope): boolean {
  const scopes = holder.value?.scopes ?? [];
  return scopes.includes(scope) || scopes.includes("admin");
}

/** What a link brought: `#login=` is used up once, `#key=` is a key. */
let link: { login: string | null; key: string | null } = { login: null, key: null };

/** Takes the link of the address, and reads who is signed in. Can be repeated while there is no answer. */
export async function openSession(): Promise<void> {
  const brought = new URLSearchParams(location.hash.slice(1));
  if (brought.has("login") || brought.has("key")) {
    link = { login: brought.get("login"), key: brought.get("key") };
    // Neither stays in the address or in the history.
    history.replaceState(null, "", location.pathname + location.search);
  }
  try {
    const stored = credential.value;
    const found = stored === undefined ? undefined : await holderOf(stored);
    const before = found instanceof ApiProblem ? undefined : found;
    if (found instanceof ApiProblem) signInFault.value = found.message;
    holder.value = before;
    if (link.login !== null) await useLogin(link.login, before);
    if (link.key !== null) await useKey(link.key, before);
    link = { login: null, key: null };
    unanswered.value = undefined;
  } catch (error) {
    unanswered.value = asProblem(error);
  }
}

/** Tries a key or token that somebody entered. */
export async function signInWith(text: string): Promise<void> {
  signInFault.value = undefined;
  try {
    const found = await holderOf(text);
    if (found instanceof ApiProblem) throw found;
    become(text, found);
  } catch (error) {
    signInFault.value = asProblem(error).message;
  }
}

/** Signs in with the key of the link. */
export async function acceptOffer({ key, holder: next }: Offer): Promise<void> {
  const [text, before] = [credential.value, holder.value];
  become(key, next);
  offer.value = undefined;
  await revokeBefore(text, before);
}

/** Signs out, and revokes a key that was made for this page. Throws, and signs nobody out, if that fails. */
export async function leave(): Promise<void> {
  if (credential.value !== undefined && holder.value !== undefined) {
    await revoke(credential.value, holder.value);
  }
  leaveHere();
}

/** Signs this browser out. Its key stays valid until it expires. */
export function leaveHere(): void {
  signOut();
  holder.value = undefined;
}

function become(text: string, next: Holder): void {
  signIn(text);
  holder.value = next;
  signInFault.value = undefined;
  unanswered.value = undefined;
}

/** Returns why Skiff refuses a key or token. Throws if Skiff does not say. */
async function holderOf(text: string): Promise<Holder | ApiProblem> {
  try {
    return await api.send<Holder>("GET", "/whoami", { headers: { authorization: `Bearer ${text}` } });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401 || problem.status === 403) return problem;
    throw problem;
  }
}

async function useKey(key: string, before: Holder | undefined): Promise<void> {
  if (key === credential.value) return;
  const next = await holderOf(key);
  if (!(next instanceof ApiProblem)) {
    if (before === undefined) become(key, next);
    else offer.value = { key, holder: next };
  } else if (before === undefined) signInFault.value = next.message;
  else showProblem(new Error(`The key of the link is not valid. You are signed in as before: ${before.by}.`));
}

/** Nobody but Skiff can make such a link, so it asks nothing. */
async function useLogin(login: string, before: Holder | undefined): Promise<void> {
  const response = await fetch("/session", {
    ...{ method: "POST", headers: { "content-type": "application/json" }, credentials: "omit" },
    body: JSON.stringify({ login }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) {
    // A link that was used before does no harm to who is signed in already.
    if (before === undefined) signInFault.value = (await problemFrom(response)).message;
    return;
  }
  const { key } = (await response.json()) as { key: string };
  const text = credential.value;
  // It is used up: the key must not be lost if the next question has no answer.
  signIn(key);
  link = { ...link, login: null };
  const next = await holderOf(key);
  if (next instanceof ApiProblem) throw next;
  become(key, next);
  await revokeBefore(text, before);
}

async function revokeBefore(text: string | undefined, before: Holder | undefined): Promise<void> {
  if (text === undefined || before === undefined) return;
  await revoke(text, before).catch((error: unknown) => {
    const why = asProblem(error).message;
    showProblem(
      new Error(`The key from before, ${before.keyId}, could not be revoked and stays valid: ${why}`),
    );
  });
}

/** Revokes a key that a link made for this page; others are not this page's to revoke. */
async function revoke(text: string, { keyId, by }: Holder): Promise<void> {
  if (keyId === undefined || !by.startsWith("key dashboard ")) return;
  try {
    await api.send("DELETE", `/key/${keyId}`, { headers: { authorization: `Bearer ${text}` } });
  } catch (error) {
    // It is not valid any more, which is what was wanted.
    if (![401, 404].includes(asProblem(error).status)) throw error;
  }
}

// Another tab signed in or out; the listener in credential.ts came first.
addEventListener("storage", ({ key }) => void (key === PLACE && openSession()));
// A link that is opened in a tab that shows this page already.
addEventListener("hashchange", () => void (/^#(login|key)=/.test(location.hash) && openSession()));
