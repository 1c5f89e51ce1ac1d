import type { Family } from "./metrics.ts";

/** What a process counts of the pool of ready instances. */
export interface PoolStats {
  /** Claims by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Instances that wait in the pool now. */
  readonly free: number;
}

export const POOL_FAMILIES: readonly Family<PoolStats>[] = [
  {
    name: "skiff_pool_total",
    help: "Pool claims by outcome (Kubernetes).",
    type: "counter",
    labels: ["outcome"],
    samples: ({ outcomes }) =>
      Object.entries(outcomes).map(([outcome, value]) => ({ value, labels: { outcome } })),
  },
  {
    name: "skiff_pool_free",
    help: "Unassigned ready pods in the pool (Kubernetes).",
    type: "gauge",
    labels: [],
    samples: ({ free }) => [{ value: free, labels: {} }],
  },
];
