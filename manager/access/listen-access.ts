import type { Access } from "./access.ts";
import { isLoopbackName } from "./host-name.ts";
import { loadOrCreateToken } from "./token.ts";

export interface ListenOptions {
  /** What the server listens on: a name or an address without brackets. */
  readonly host: string;
  /** Where the hash of a token that Skiff made itself is kept. */
  readonly tokenFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The access that fits where the server listens: without a token on loopback only, unless
 * `SKIFF_ACCESS=open` says that everybody may. `createdToken` is to be shown once.
 * @throws Error if the variables contradict each other or the token is too weak
 */
export function accessFor({ host, tokenFile, env }: ListenOptions): {
  access: Access;
  createdToken?: string;
} {
  // An empty variable is one that a compose file or a unit passes on without a value.
  const given = env.SKIFF_TOKEN || undefined;
  const wish = env.SKIFF_ACCESS || undefined;
  if (wish !== undefined && wish !== "open") {
    throw new Error(
      `SKIFF_ACCESS=${wish} is unknown: the only value is "open"; leave it out to have the API protected.`,
    );
  }
  if (wish === "open") {
    if (given !== undefined) {
      throw new Error("SKIFF_ACCESS=open and SKIFF_TOKEN contradict each other: set one of them.");
    }
    return { access: { mode: "open" } };
  }
  const loopback = isLoopbackName(host);
  if (loopback && given === undefined) return { access: { mode: "loopback" } };
  const { hash, created } = loadOrCreateToken(tokenFile, given);
  const access: Access = { mode: "token", tokenHash: hash, ...(loopback ? { loopback } : {}) };
  return { access, ...(created === undefined ? {} : { createdToken: created }) };
}
