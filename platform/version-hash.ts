import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Source } from "./platform.ts";
import { canonicalSettings, type Settings } from "./settings.ts";

/** A millisecond or two of work: whatever else is to be done comes in between. */
const PIECE_BYTES = 1024 ** 2;

/** SHA-256 in hex over everything that a user decides about a version. The length keeps the parts apart. */
export async function versionHash(source: Source, settings: Settings): Promise<string> {
  return await sha256([
    Buffer.from(`${source.type}\n${source.bytes.length}\n`),
    source.bytes,
    Buffer.from(canonicalSettings(settings)),
  ]);
}

/** SHA-256 in hex over a source. */
export async function sourceHash(source: Source): Promise<string> {
  return await sha256([Buffer.from(`${source.type}\n`), source.bytes]);
}

export function isSameSource(a: Source, b: Source): boolean {
  return a.type === b.type && Buffer.compare(a.bytes, b.bytes) === 0;
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  const hash = createHash("sha256");
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      if (at > 0) await setImmediate();
      hash.update(part.subarray(at, at + PIECE_BYTES));
    }
  }
  return hash.digest("hex");
}
