import type { GraphEdge } from "../../../../platform/flows/graph/flow-graph.ts";
import type { RunState, StepError, StepState } from "../../../../platform/flows/run/error.ts";
import type { Tone } from "../../ui/values.tsx";

/** A run as lists have it. */
export interface RunSummary {
  readonly id: string;
  readonly flow: string;
  readonly version: number;
  readonly state: RunState;
  /** The step that it is at, or failed at. */
  readonly step?: string;
  readonly error?: StepError;
  readonly trigger: { readonly kind: string; readonly [member: string]: unknown };
  /** The step of another run that began this one. */
  readonly parent?: { readonly run: string; readonly step: string };
  readonly by?: string;
  readonly acceptedAt: string;
  readonly changedAt: string;
  readonly wakeAt?: string;
  readonly endedAt?: string;
}

/** A value that is kept beside the run, because it is large or no text. */
export interface KeptBody {
  readonly bytes: number;
  readonly type: string;
}

/** What a run or a step got and gave: JSON, or a body that is read by itself. */
export interface Shown {
  readonly input?: unknown;
  readonly inputBody?: KeptBody;
  readonly output?: unknown;
  readonly outputBody?: KeptBody;
}

export interface RunDocument extends RunSummary, Shown {
  readonly functions: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<string, StepDocument>>;
  readonly edges: readonly GraphEdge[];
  readonly history: readonly {
    readonly kind: string;
    readonly at: string;
    readonly by: string;
    readonly reason?: string;
    readonly from?: string;
    readonly item?: number;
  }[];
}

export interface StepDocument {
  readonly action: string;
  readonly isFinally: boolean;
  readonly state: StepState;
  readonly why?: keyof typeof SKIPPED_WHY;
  readonly error?: StepError;
  readonly then?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly items?: Readonly<Record<string, number>>;
  readonly attempts: readonly AttemptDocument[];
}

export interface AttemptDocument {
  readonly item?: number;
  readonly attempt: number;
  readonly state: "running" | "waiting" | "done" | "failed" | "cancelled";
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly error?: StepError;
  readonly callId?: string;
  readonly retryAt?: string;
  readonly waitsFor?: {
    readonly kind: "time" | "event" | "approval" | "flow";
    readonly until?: string;
    readonly topic?: string;
    readonly message?: string;
    readonly flow?: string;
    readonly run?: string;
  };
}

/** Why a step was skipped, by what decided it. */
export const SKIPPED_WHY = {
  if: "its condition was false",
  else: "the other way was taken",
  needs: "all steps before it were skipped",
  catch: "there was nothing to catch",
} as const;

const LIVE = new Set<RunState>(["queued", "running", "waiting", "retrying", "paused"]);

export function isLive({ state }: Pick<RunSummary, "state">): boolean {
  return LIVE.has(state);
}

const TONES: Readonly<Record<RunState | StepState, Tone>> = {
  queued: "quiet",
  pending: "quiet",
  running: "info",
  waiting: "warn",
  retrying: "warn",
  paused: "warn",
  done: "ok",
  skipped: "quiet",
  caught: "warn",
  failed: "bad",
  cancelled: "quiet",
};

export function toneOf(state: RunState | StepState): Tone {
  return TONES[state];
}

/** Milliseconds between two times; until now without an end. */
export function tookMs(startedAt: string | undefined, endedAt: string | undefined): number | undefined {
  if (startedAt === undefined) return undefined;
  return (endedAt === undefined ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt);
}

/** Such as `api`, `topic orders`, `cron`. */
export function triggerText({ trigger }: Pick<RunSummary, "trigger">): string {
  const { kind, method, path, schedule, flow } = trigger;
  const what = [method, path, schedule, flow].filter((each) => typeof each === "string").join(" ");
  return what === "" ? kind : `${kind} ${what}`;
}

export interface RunPartProps {
  readonly run: RunDocument;
  /** Of the API. */
  readonly path: string;
  readonly reload: () => Promise<void>;
  /** The run goes on, so it is read again. */
  readonly begun: () => void;
}
