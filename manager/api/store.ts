import { Problem } from "../../platform/problems.ts";
import type { ManagerStore, Services } from "./services.ts";

/** A store that is configured while Skiff runs needs a restart of the manager, which takes longer than this. */
const RETRY_AFTER_S = 60;

/** @throws Problem `store_unavailable` if Skiff runs without a store */
export function requireStore({ store }: Services): ManagerStore {
  if (store) return store;
  const detail =
    "Skiff runs without a store: name a PostgreSQL database in SKIFF_STORE, on Kubernetes in the Secret skiff-store.";
  throw new Problem("store_unavailable", detail, { retryAfterS: RETRY_AFTER_S, setting: "SKIFF_STORE" });
}
