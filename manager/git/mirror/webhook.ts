import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { branchRef, type CommitId, NO_COMMIT } from "../repository.ts";

/** Products whose webhooks are known. Forgejo sends the fields of Gitea. */
export type Sender = "github" | "gitea" | "gitlab";

/** What a signed request of a webhook asks for. */
export type Delivery =
  | { readonly kind: "ping" }
  | { readonly kind: "push"; readonly commit: CommitId | undefined }
  | { readonly kind: "ignored"; readonly why: string };

/** Fewest characters of a secret that signs: nobody guesses it by trying. */
export const SIGNING_CHARACTERS = 16;

const SIGNATURES = ["x-gitea-signature", "x-hub-signature-256", "x-gitlab-token"];
const EVENTS = ["x-gitea-event", "x-gitlab-event", "x-github-event"];
const PUSH_EVENTS = new Set(["push", "Push Hook"]);
const ID = /^[0-9a-f]{40}$/;

/** Whether a request has a signature at all. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return SIGNATURES.some((name) => headers[name] !== undefined);
}

/**
 * Checks the signature of a request in constant time.
 * @returns its sender; undefined if it has no signature, or a wrong one
 */
export function senderOf(headers: IncomingHttpHeaders, body: Uint8Array, secret: string): Sender | undefined {
  if (secret.length < SIGNING_CHARACTERS) return undefined;
  const isGitea = headers["x-gitea-event"] !== undefined;
  const signature = headers["x-gitea-signature"] ?? headers["x-hub-signature-256"];
  const token = headers["x-gitlab-token"];
  if (typeof signature === "string") {
    const expected = createHmac("sha256", secret).update(body).digest("hex");
    if (!isEqual(signature.replace(/^sha256=/, ""), expected)) return undefined;
    return isGitea ? "gitea" : "github";
  }
  return typeof token === "string" && isEqual(token, secret) ? "gitlab" : undefined;
}

/** Reads what a signed request says about a branch. One that is not understood counts as a push: it is fetched anyway. */
export function readDelivery(headers: IncomingHttpHeaders, body: Uint8Array, branch: string): Delivery {
  const event = String(EVENTS.map((name) => headers[name]).find((value) => value !== undefined) ?? "push");
  if (event === "ping") return { kind: "ping" };
  if (!PUSH_EVENTS.has(event))
    return { kind: "ignored", why: `the event "${event.slice(0, 40)}" is no push` };
  const { ref, after } = payloadOf(headers, body);
  if (typeof ref === "string" && ref !== branchRef(branch)) {
    const pushed = ref.replace(/^refs\/heads\//, "").slice(0, 100);
    return { kind: "ignored", why: `${pushed} was pushed, and ${branch} is mirrored` };
  }
  if (after === NO_COMMIT) return { kind: "ignored", why: `the branch ${branch} was deleted` };
  return { kind: "push", commit: typeof after === "string" && ID.test(after) ? after : undefined };
}

function payloadOf(headers: IncomingHttpHeaders, body: Uint8Array): { ref?: unknown; after?: unknown } {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  const text = Buffer.from(body).toString();
  try {
    const payload: unknown = JSON.parse(isForm ? (new URLSearchParams(text).get("payload") ?? "") : text);
    return typeof payload === "object" && payload !== null ? payload : {};
  } catch {
    // The signature is right, so somebody who may pushed something.
    return {};
  }
}

/** Hashes have equal lengths, so the time does not depend on what was sent. */
function isEqual(sent: string, expected: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(sent), hash(expected));
}
