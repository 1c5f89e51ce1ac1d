import type { Declarations } from "../declarations.ts";
import { followDeclarations } from "../events/follow-declarations.ts";
import { INTERNAL_KEY_ID } from "./internal-key.ts";
import type { KeyTable } from "./key-table.ts";
import { KEY_KIND } from "./key-text.ts";

export interface FollowedKeys {
  /**
   * Resolves when the table has every key that existed at the call of `followKeys`, so that no valid key is refused.
   * After 10 s without them it resolves as well, and prints so: calls without a key go on.
   */
  readonly loaded: Promise<void>;
  close(): void;
}

/** Keeps a table in step with the keys of a platform. */
export function followKeys(
  declarations: Pick<Declarations, "list" | "watch">,
  table: KeyTable,
  print: (line: string) => void,
): FollowedKeys {
  const followed = followDeclarations(declarations, KEY_KIND, (id, declared) => {
    const fault = id === INTERNAL_KEY_ID ? "Skiff uses this id itself" : table.set(id, declared?.spec);
    if (fault !== undefined) print(`the key ${id} does not work: ${fault}`);
  });
  const loaded = followed.loaded.then((reason) => {
    if (reason !== undefined) print(`keys are refused until they can be read: ${reason}`);
  });
  return { loaded, close: followed.close };
}
