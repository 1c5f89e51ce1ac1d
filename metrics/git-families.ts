/** The families of pushes to git repositories, which a manager counts. */
import { type Family, type Sample, tally } from "./metrics.ts";

/** Pushes since the start of the program. */
export interface PushCounts {
  /** By how they ended. */
  readonly results: Readonly<Record<string, number>>;
  /** `bounds` are the upper bounds of the buckets, in milliseconds; `counts` has one more. */
  readonly durations: {
    readonly bounds: readonly number[];
    readonly counts: readonly number[];
    readonly sumMs: number;
  };
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

function histogram({ bounds, counts, sumMs }: PushCounts["durations"]): Sample[] {
  let sum = 0;
  const buckets = bounds.map((bound, index): Sample => {
    sum += counts[index]!;
    return { part: "_bucket", labels: { le: bound / 1_000 }, value: sum };
  });
  const count = sum + counts.at(-1)!;
  return [
    ...buckets,
    { part: "_bucket", labels: { le: "+Inf" }, value: count },
    { part: "_sum", labels: {}, value: sumMs / 1_000 },
    { part: "_count", labels: {}, value: count },
  ];
}
