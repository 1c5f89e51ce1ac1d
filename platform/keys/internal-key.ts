import { createHmac } from "node:crypto";
import { hashOf, type KeyText } from "./key-text.ts";

/** Id of the key with which Skiff itself calls functions. `newKeyId` makes no id with an `l`. */
export const INTERNAL_KEY_ID = "kinternals";

/**
 * Derives the key with which Skiff itself calls functions, also those whose access is `internal`, and runs commands that
 * have waited, and its entry in the tables of routers and managers.
 * @param token a secret of the installation, the same in its routers and callers
 */
export function internalKey(token: string): KeyText & { readonly spec: Readonly<Record<string, unknown>> } {
  const secret = createHmac("sha256", token).update("skiff internal key").digest("base64url");
  const text = `sk_${INTERNAL_KEY_ID}_${secret}`;
  const hash = hashOf(text).toString("hex");
  return { id: INTERNAL_KEY_ID, text, spec: { name: "internal", scopes: ["call", "run"], hash } };
}
