import { signal } from "@preact/signals";
import { ApiProblem, asProblem, problemFrom } from "../api/problem.ts";
import { showProblem } from "../ui/toast.tsx";
import { credential, PLACE, signIn } from "./credential.ts";
import { renew } from "./renew.ts";
import { become, type Holder, holder, holderOf, revoke, signInFault, unanswered } from "./session.ts";

/** A key of a link, while somebody else is signed in. Any page can send a browser to such a link. */
export interface Offer {
  readonly key: string;
  readonly holder: Holder;
}

export const offer = signal<Offer | undefined>(undefined);

/** What a link brought: `#login=` is used up once, `#key=` is a key. */
let link: { login: string | null; key: string | null } = { login: null, key: null };

/** Takes the link of the address, and reads who is signed in. Can be repeated while there is no answer. */
export async function openSession(): Promise<void> {
  const brought = new URLSearchParams(location.hash.slice(1));
  if (brought.has("login") || brought.has("key")) {
    link = { login: brought.get("login"), key: brought.get("key") };
    // Neither stays in the address or in the history.
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  try {
    const stored = credential.value;
    const found = stored === undefined ? undefined : await holderOfStored(stored);
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

/** Signs in with the key of the link. */
export async function acceptOffer({ key, holder: next }: Offer): Promise<void> {
  const [text, before] = [credential.value, holder.value];
  become(key, next);
  offer.value = undefined;
  await revokeBefore(text, before);
}

/** With what the API refuses nobody is signed in. It stays stored: other tabs keep their pages until somebody signs in again. */
async function holderOfStored(stored: string): Promise<Holder | ApiProblem> {
  let [text, found] = [stored, await holderOf(stored)];
  if (isRefused(found) && (await renew(stored))) {
    text = credential.value!;
    found = await holderOf(text);
  }
  if (isRefused(found) && credential.value === text) credential.value = undefined;
  return found;
}

function isRefused(found: Holder | ApiProblem): boolean {
  return found instanceof ApiProblem && found.status === 401;
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

// Another tab signed in or out; the listener in credential.ts came first.
addEventListener("storage", ({ key }) => void (key === PLACE && openSession()));
// A link that is opened in a tab that shows this page already.
addEventListener("hashchange", () => void (/^#(login|key)=/.test(location.hash) && openSession()));
