import { Problem } from "../../platform/problems.ts";
import type { FlowStore } from "../../store/store.ts";
import type { ManagerStore, Services } from "./services.ts";

/** A store that is configured while Skiff runs needs a restart of the manager, which takes longer than this. */
const RETRY_AFTER_S = 60;

/** Longest time that a description waits for the store, in milliseconds. */
const WAIT_MS = 2_000;

/** @throws Problem `store_unavailable` if Skiff runs without a store */
export function requireStore({ store }: Pick<Services, "store">): ManagerStore {
  if (store) return store;
  const detail =
    "Skiff runs without a store: name a PostgreSQL database in SKIFF_STORE, on Kubernetes in the Secret skiff-store.";
  throw new Problem("store_unavailable", detail, { retryAfterS: RETRY_AFTER_S, setting: "SKIFF_STORE" });
}

/** @throws Problem `store_unavailable` if Skiff runs without a store, or with one that lacks this part */
export function requirePart<P extends keyof FlowStore>(
  services: Pick<Services, "store">,
  part: P,
): FlowStore[P] {
  const parts: Partial<FlowStore> = requireStore(services);
  const found: FlowStore[P] | undefined = parts[part];
  if (found !== undefined) return found;
  const detail = `This store keeps no ${part}: update Skiff.`;
  throw new Problem("store_unavailable", detail, { retryAfterS: RETRY_AFTER_S });
}

/**
 * Reads what a description shows of the store. A store that cannot be reached takes two seconds at most.
 * @returns what `read` found, or why it is missing
 */
export async function fromStore<T>(
  { store }: Pick<Services, "store">,
  read: () => Promise<T>,
): Promise<{ readonly found: T } | { readonly missing: string }> {
  if (store === undefined) return { missing: "Skiff runs without a store." };
  const late = Promise.withResolvers<{ missing: string }>();
  const missing = `The store did not answer within ${WAIT_MS / 1_000} s.`;
  const timer = setTimeout(() => late.resolve({ missing }), WAIT_MS);
  try {
    return await Promise.race([read().then((found) => ({ found })), late.promise]);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "store_unavailable") throw error;
    return { missing: error.detail };
  } finally {
    clearTimeout(timer);
  }
}
