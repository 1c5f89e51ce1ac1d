import { type Family, single, tally } from "./metrics.ts";

/** Counters of the pool of ready instances. */
export interface PoolStats {
  /** Claims by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Unassigned instances in the pool now. */
  readonly free: number;
}

export const POOL_FAMILIES: readonly Family<PoolStats>[] = [
  {
    name: "skiff_pool_total",
    help: "Pool claims by outcome (Kubernetes).",
    type: "counter",
    labels: ["outcome"],
    samples: ({ outcomes }) => tally("outcome", outcomes),
  },
  single("skiff_pool_free", "Unassigned ready pods in the pool (Kubernetes).", ({ free }) => free),
];
