import { createHash, type Hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Source } from "./platform.ts";
import { canonicalSettings, type Settings } from "./settings/settings.ts";

/** Takes a millisecond or two; the event loop runs between two pieces. */
const PIECE_BYTES = 1024 ** 2;

/** Returns the SHA-256 in hex of everything that a user chooses for a version. */
export function versionHash(sourceHash: string, settings: Settings): string {
  return createHash("sha256")
    .update(`${sourceHash}\n${canonicalSettings(settings)}`)
    .digest("hex");
}

/** Returns the SHA-256 in hex of the type and bytes of a source. */
export async function sourceHash({ type, bytes }: Source): Promise<string> {
  const hash = hashOfType(type);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + PIECE_BYTES));
  }
  return hash.digest("hex");
}

/** Computes `sourceHash` in one piece, for threads without other work. */
export function sourceHashSync({ type, bytes }: Source): string {
  return hashOfType(type).update(bytes).digest("hex");
}

function hashOfType(type: Source["type"]): Hash {
  return createHash("sha256").update(`${type}\n`);
}
