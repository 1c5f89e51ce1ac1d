import type { KeyTable } from "../../platform/keys/key-table.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import { KeyRegistry } from "./key-registry.ts";
import { KeyUses } from "./key-uses.ts";

/** Everything about keys that handlers use. */
export interface KeyAccess {
  readonly registry: KeyRegistry;
  readonly uses: KeyUses;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

export interface KeyAccessOptions {
  readonly platform: Pick<Platform, "declarations">;
  readonly keys: KeyTable;
  readonly limits: Limits;
  readonly now: () => number;
}

export function keyAccess({ platform, keys, limits, now }: KeyAccessOptions): KeyAccess {
  const { declarations } = platform;
  return { registry: new KeyRegistry({ declarations, keys, limits, now }), uses: new KeyUses(now), now };
}
