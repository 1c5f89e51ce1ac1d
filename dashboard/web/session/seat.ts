import type { Holder } from "./session.ts";

/**
 * Names what a page may keep for: another holder gets a page of their own. Who may read the same goes on with it, such as
 * somebody who signs in again with a newer key.
 */
export function seatOf({ by, keyId, scopes, functions }: Holder): string {
  const canRead = scopes.includes("read") || scopes.includes("admin");
  return canRead ? JSON.stringify([scopes.toSorted(), functions?.toSorted()]) : (keyId ?? by);
}
