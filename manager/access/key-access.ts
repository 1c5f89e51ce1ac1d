import type { KeyTable } from "../../platform/keys/key-table.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import { KeyUses, type KeyUsesOptions } from "../../store/key-uses.ts";
import type { UsageLedger } from "../../store/store.ts";
import { KeyRegistry } from "./key-registry.ts";

/** Everything about keys that handlers use. */
export interface KeyAccess {
  readonly registry: KeyRegistry;
  readonly uses: KeyUses;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

export interface KeyAccessOptions extends Omit<KeyUsesOptions, "ledger" | "program"> {
  readonly platform: Pick<Platform, "declarations">;
  readonly keys: KeyTable;
  readonly limits: Limits;
  readonly store?: { readonly usage: Pick<UsageLedger, "add" | "lastUse"> } | undefined;
}

export function keyAccess({ platform, keys, limits, store, now, print }: KeyAccessOptions): KeyAccess {
  const { declarations } = platform;
  const registry = new KeyRegistry({ declarations, keys, limits, now });
  return { registry, uses: new KeyUses({ program: "manager", now, print, ledger: store?.usage }), now };
}
