import { createHash } from "node:crypto";
import type { Source } from "../platform/platform.ts";
import { canonicalSettings, type Settings } from "../platform/settings.ts";

/** SHA-256 in hex over everything that a user decides about a version. The length keeps the parts apart. */
export function versionHash(source: Source, settings: Settings): string {
  return createHash("sha256")
    .update(`${source.type}\n${source.bytes.length}\n`)
    .update(source.bytes)
    .update(canonicalSettings(settings))
    .digest("hex");
}

export function isSameSource(a: Source, b: Source): boolean {
  return a.type === b.type && Buffer.compare(a.bytes, b.bytes) === 0;
}
