/** The families of pushes to git repositories, which a manager counts. */
import { type Durations, type Family, histogram, tally } from "./metrics.ts";

/** Pushes since the start of the program. */
export interface PushCounts {
  /** By how they ended. */
  readonly results: Readonly<Record<string, number>>;
  readonly durations: Durations;
}

export const PUSH_FAMILIES: readonly Family<PushCounts>[] = [
  {
    name: "skiff_git_pushes_total",
    help: "Pushes to git repositories by result.",
    type: "counter",
    labels: ["result"],
    samples: ({ results }) => tally("result", results),
  },
  {
    name: "skiff_git_push_seconds",
    help: "Time from the arrival of the objects of a push to the decision about it.",
    type: "histogram",
    labels: [],
    samples: ({ durations }) => histogram(durations),
  },
];
