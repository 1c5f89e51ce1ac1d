import { setTimeout as pause } from "node:timers/promises";
import type { Declarations } from "../declarations.ts";
import { INTERNAL_KEY_ID } from "./internal-key.ts";
import type { KeyTable } from "./key-table.ts";
import { KEY_KIND } from "./key-text.ts";

const PAGE = 1_000;
const CHECK_EVERY_MS = 50;
/** Longest wait for the first keys, in milliseconds. */
const FIRST_KEYS_MS = 10_000;

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
  const seen = new Set<string>();
  let isClosed = false;
  const stop = declarations.watch(KEY_KIND, (id, declared) => {
    seen.add(id);
    const fault = id === INTERNAL_KEY_ID ? "Skiff uses this id itself" : table.set(id, declared?.spec);
    if (fault !== undefined) print(`the key ${id} does not work: ${fault}`);
  });
  const areSeen = async () => {
    const names = await namesOf(declarations);
    return names.every((name) => seen.has(name));
  };
  const load = async () => {
    const deadlineMs = performance.now() + FIRST_KEYS_MS;
    let reason = "the watch is slow";
    while (!isClosed && performance.now() < deadlineMs) {
      try {
        if (await areSeen()) return;
      } catch (error) {
        reason = (error as Error).message;
      }
      await pause(CHECK_EVERY_MS);
    }
    if (!isClosed) print(`keys are refused until they can be read: ${reason}`);
  };
  return {
    loaded: load(),
    close() {
      isClosed = true;
      stop();
    },
  };
}

async function namesOf(declarations: Pick<Declarations, "list">): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const page = await declarations.list(KEY_KIND, { after: names.at(-1), limit: PAGE });
    names.push(...page.map(({ name }) => name));
    if (page.length < PAGE) return names;
  }
}
