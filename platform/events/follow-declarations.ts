import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { DeclarationListener, Declarations, Declared } from "../declarations.ts";

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
  /**
   * Lists the declarations, and resolves with whether `listener` has had exactly these: a watch can be late.
   * @throws the error of the list
   */
  isCurrent(): Promise<boolean>;
  close(): void;
}

/** Calls `listener` with every declaration of a kind, then with every change, and says when the first ones are complete. */
export function followDeclarations(
  declarations: Pick<Declarations, "list" | "watch">,
  kind: string,
  listener: DeclarationListener,
): Followed {
  const seen = new Map<string, Declared | undefined>();
  let isClosed = false;
  const stop = declarations.watch(kind, (name, declared) => {
    seen.set(name, declared);
    listener(name, declared);
  });
  const areSeen = async () => (await listAll(declarations, kind)).every(({ name }) => seen.has(name));
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
    async isCurrent() {
      const listed = await listAll(declarations, kind);
      const known = [...seen.values()].filter((declared) => declared !== undefined);
      return (
        known.length === listed.length &&
        listed.every(({ name, spec }) => isDeepStrictEqual(seen.get(name)?.spec, spec))
      );
    },
    close() {
      isClosed = true;
      stop();
    },
  };
}

async function listAll(declarations: Pick<Declarations, "list">, kind: string): Promise<Declared[]> {
  const all: Declared[] = [];
  for (;;) {
    const page = await declarations.list(kind, { after: all.at(-1)?.name, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
