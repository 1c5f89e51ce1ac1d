/** The families of flows. Runs are read from the store, the rest is what the engine of this program counts. */
import { type Durations, type Family, histogram, type Sample, single } from "./metrics.ts";

/** Runs of a flow by state: live ones now, and all that ever ended. */
export interface FlowRuns {
  readonly flow: string;
  readonly live: Readonly<Partial<Record<string, number>>>;
  readonly ended: Readonly<Partial<Record<string, number>>>;
}

export const FLOW_RUN_FAMILIES: readonly Family<FlowRuns>[] = [
  {
    name: "skiff_flow_runs",
    help: "Runs of flows that have not ended.",
    type: "gauge",
    labels: ["flow", "state"],
    samples: ({ flow, live }) => byState(flow, live),
  },
  {
    name: "skiff_flow_runs_ended_total",
    help: "Runs of flows that ended.",
    type: "counter",
    labels: ["flow", "state"],
    samples: ({ flow, ended }) => byState(flow, ended),
  },
];

/** What an engine counts. */
export interface EngineCounts {
  readonly attempts: number;
  readonly retries: number;
  readonly refused: number;
  readonly owned: number;
  readonly calls: number;
  readonly stuck: number;
  /** Of this program, whichever run they are of. */
  readonly spansDropped: number;
  readonly overhead: Durations;
}

export const ENGINE_FAMILIES: readonly Family<EngineCounts>[] = [
  single("skiff_flow_attempts_total", "Attempts of steps by this program.", ({ attempts }) => attempts),
  single(
    "skiff_flow_retries_total",
    "Attempts of steps that followed a failed one.",
    ({ retries }) => retries,
  ),
  single("skiff_flow_refused_total", "Attempts of steps that Skiff put off.", ({ refused }) => refused),
  single("skiff_flow_owned_runs", "Runs that this program has in memory.", ({ owned }) => owned),
  single("skiff_flow_calls", "Calls of steps under way.", ({ calls }) => calls),
  single(
    "skiff_flow_stuck_runs",
    "Runs without progress that nothing explains; anything but 0 is a fault of Skiff.",
    ({ stuck }) => stuck,
  ),
  single(
    "skiff_flow_spans_dropped_total",
    "Spans of runs dropped because too many were queued or the receiver failed.",
    ({ spansDropped }) => spansDropped,
  ),
  {
    name: "skiff_flow_step_overhead_seconds",
    help: "Time from the result of a step to the start of what follows it.",
    type: "histogram",
    labels: [],
    samples: ({ overhead }) => histogram(overhead),
  },
];

export const FLOW_FAMILIES = [...FLOW_RUN_FAMILIES, ...ENGINE_FAMILIES];

function byState(flow: string, counts: FlowRuns["live"]): Sample[] {
  return Object.entries(counts).map(([state, value = 0]) => ({ value, labels: { flow, state } }));
}
