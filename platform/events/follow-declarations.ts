import { setTimeout as pause } from "node:timers/promises";
import type { DeclarationListener, Declarations } from "../declarations.ts";

const PAGE = 1_000;
const CHECK_EVERY_MS = 50;
/** Longest wait for the first declarations, in milliseconds. */
const FIRST_MS = 10_000;

export interface Followed {
  /**
   * Resolves when `listener` has had every declaration that existed at the call of `followDeclarations`. After 10 s
   * without them it resolves with the reason.
   */
  readonly loaded: Promise<string | undefined>;
  close(): void;
}

/** Calls `listener` with every declaration of a kind, then with every change, and says when the first ones are complete. */
export function followDeclarations(
  declarations: Pick<Declarations, "list" | "watch">,
  kind: string,
  listener: DeclarationListener,
): Followed {
  const seen = new Set<string>();
  let isClosed = false;
  const stop = declarations.watch(kind, (name, declared) => {
    seen.add(name);
    listener(name, declared);
  });
  const areSeen = async () => (await namesOf(declarations, kind)).every((name) => seen.has(name));
  const load = async () => {
    const deadlineMs = performance.now() + FIRST_MS;
    let reason = "the watch is slow";
    while (!isClosed && performance.now() < deadlineMs) {
      try {
        if (await areSeen()) return undefined;
      } catch (error) {
        reason = (error as Error).message;
      }
      await pause(CHECK_EVERY_MS);
    }
    return isClosed ? undefined : reason;
  };
  return {
    loaded: load(),
    close() {
      isClosed = true;
      stop();
    },
  };
}

async function namesOf(declarations: Pick<Declarations, "list">, kind: string): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const page = await declarations.list(kind, { after: names.at(-1), limit: PAGE });
    names.push(...page.map(({ name }) => name));
    if (page.length < PAGE) return names;
  }
}
