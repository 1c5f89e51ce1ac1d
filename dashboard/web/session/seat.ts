import type { Holder } from "./session.ts";

/**
 * Returns a key that changes when the page must open anew: another person must not see what the one before typed. The page
 * stays for the same person with the same rights, such as after a sign-in with a newer key of the same name.
 */
export function seatOf({ by, keyId, scopes, functions }: Holder): string {
  const canRead = scopes.includes("read") || scopes.includes("admin");
  if (!canRead) return keyId ?? by;
  const person = keyId === undefined ? by : by.replace(` (${keyId})`, "");
  return JSON.stringify([person, scopes.toSorted(), functions?.toSorted()]);
}
