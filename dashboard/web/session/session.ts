import { signal } from "@preact/signals";
import { api } from "../api/client.ts";
import { ApiProblem, asProblem } from "../api/problem.ts";
import { credential, refreshToken, signIn, signOut } from "./credential.ts";
import { revokeAtIssuer } from "./renew.ts";

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
/** Why it is not known who is signed in: Skiff did not say. Nobody is signed out for that. */
export const unanswered = signal<ApiProblem | undefined>(undefined);

/** Whether who is signed in has a scope; `admin` includes all. */
export function can(scope: Scope): boolean {
  const scopes = holder.value?.scopes ?? [];
  return scopes.includes(scope) || scopes.includes("admin");
}

/** Tries a key or token that somebody entered, or that the issuer gave with a refresh token. */
export async function signInWith(text: string, refresh?: string): Promise<void> {
  signInFault.value = undefined;
  try {
    const found = await holderOf(text);
    if (found instanceof ApiProblem) throw found;
    become(text, found, refresh);
  } catch (error) {
    signInFault.value = asProblem(error).message;
  }
}

/**
 * Finds who is signed in already, after a sign-in that failed. It signs nobody out: another tab may wait for a newer sign-in.
 * @throws ApiProblem if Skiff does not say
 */
export async function staySignedIn(): Promise<void> {
  if (holder.value !== undefined || credential.value === undefined) return;
  const found = await holderOf(credential.value);
  if (found instanceof ApiProblem) return;
  holder.value = found;
  signInFault.value = undefined;
}

/** Signs out, and revokes a key that was made for this page. Throws, and signs nobody out, if that fails. */
export async function leave(): Promise<void> {
  if (credential.value !== undefined && holder.value !== undefined) {
    await revoke(credential.value, holder.value);
  }
  leaveHere();
}

/** Signs this browser out, and revokes its refresh token. Its key or token stays valid until it expires. */
export function leaveHere(): void {
  const refresh = refreshToken();
  signOut();
  holder.value = undefined;
  if (refresh !== undefined) void endAtIssuer(refresh);
}

async function endAtIssuer(refresh: string): Promise<void> {
  const fault = await revokeAtIssuer(refresh);
  if (fault === undefined || credential.value !== undefined) return;
  signInFault.value = `You are signed out of this browser. Your sign-in at the issuer stays valid: ${fault}`;
}

/** Keeps a key or token that Skiff takes. */
export function become(text: string, next: Holder, refresh?: string): void {
  signIn(text, refresh);
  holder.value = next;
  signInFault.value = undefined;
  unanswered.value = undefined;
}

/** Returns why Skiff refuses a key or token. Throws if Skiff does not say. */
export async function holderOf(text: string): Promise<Holder | ApiProblem> {
  try {
    return await api.send<Holder>("GET", "/whoami", { headers: { authorization: `Bearer ${text}` } });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401 || problem.status === 403) return problem;
    throw problem;
  }
}

/** Revokes a key that a link made for this page; others are not this page's to revoke. */
export async function revoke(text: string, { keyId, by }: Holder): Promise<void> {
  if (keyId === undefined || !by.startsWith("key dashboard ")) return;
  try {
    await api.send("DELETE", `/key/${keyId}`, { headers: { authorization: `Bearer ${text}` } });
  } catch (error) {
    // It is not valid any more, which is what was wanted.
    if (![401, 404].includes(asProblem(error).status)) throw error;
  }
}
