import type { Deployment, Pod } from "../cluster/resources.ts";
import { CONTAINER, LABELS } from "./names.ts";

/** Reason why a pod does not start, for people. */
export interface Trouble {
  /** One word for conditions: `ImageCannotBePulled`, `Crashed`, `Unschedulable`, `CannotStart`. */
  readonly reason: string;
  readonly message: string;
  /** Last lines of the function's log. */
  readonly log: readonly string[];
  /** Waiting does not help: somebody must change something. */
  readonly final: boolean;
  /** The function is at fault, not the cluster. */
  readonly isOfCode: boolean;
  readonly at?: string;
}

const LINES_SHOWN = 20;

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: Pod): boolean {
  return !isTerminating(pod) && condition(pod, "Ready")?.status === "True";
}

export function versionOf(pod: Pod): number {
  return Number(pod.metadata.labels?.[LABELS.version] ?? 0);
}

/** Returns the trouble of a pod; undefined if it has none so far. */
export function troubleOf(pod: Pod): Trouble | undefined {
  if (isTerminating(pod)) return undefined;
  const state = container(pod)?.state ?? {};
  if (pod.status?.phase === "Failed" && condition(pod, "DisruptionTarget")?.status === "True") {
    return trouble("Evicted", `The pod ended: ${condition(pod, "DisruptionTarget")?.message}`, false);
  }
  const { reason: ended = "", message: why = "" } = state.terminated ?? {};
  if (/^(StartError|ContainerCannotRun|ContainerStatusUnknown)$/.test(ended)) {
    return trouble("CannotStart", `The container cannot be started: ${why || ended}`, false);
  }
  const crash = crashOf(pod);
  if (crash && (state.terminated || state.waiting)) return crash;
  const { reason = "", message = "" } = state.waiting ?? {};
  if (/^(ErrImage|ImagePull|InvalidImage|ErrImageNeverPull)/.test(reason)) {
    return trouble("ImageCannotBePulled", `The client image cannot be pulled: ${message || reason}`, true);
  }
  if (/^(CreateContainer|RunContainer|StartError)/.test(reason)) {
    return trouble("CannotStart", `The container cannot be started: ${message || reason}`, true);
  }
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False") {
    return trouble("Unschedulable", `No node fits the pod: ${scheduled.message ?? scheduled.reason}`, false);
  }
  if (pod.status?.phase === "Failed") return trouble("Evicted", "The pod ended: failed", false);
  return undefined;
}

/** Returns how the container of a pod crashed last; undefined if it did not crash. */
export function crashOf(pod: Pod): Trouble | undefined {
  const { state, lastState } = container(pod) ?? {};
  const ended = state?.terminated ?? lastState?.terminated;
  if (!ended || (ended.exitCode === 0 && ended.reason === "Completed" && isTerminating(pod)))
    return undefined;
  const log = (ended.message ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-LINES_SHOWN);
  const at = ended.finishedAt === undefined ? {} : { at: ended.finishedAt };
  if (ended.reason === "OOMKilled") {
    const message = "It exceeded its memory limit (setting memoryMiB) and was stopped.";
    return { ...trouble("OutOfMemory", message, true), isOfCode: true, log, ...at };
  }
  const message = `It ended with exit code ${ended.exitCode ?? "unknown"}.`;
  return { ...trouble("Crashed", message, true), isOfCode: true, log, ...at };
}

export function isRunning(pod: Pod): boolean {
  return !isTerminating(pod) && container(pod)?.state?.running !== undefined;
}

/** The container crashed and is started again at once, not after a back-off. */
export function isRestarting(pod: Pod): boolean {
  return crashOf(pod) !== undefined && container(pod)?.state?.waiting?.reason !== "CrashLoopBackOff";
}

export function restartsOf(pod: Pod): number {
  return container(pod)?.restartCount ?? 0;
}

/** Returns the reason why a quota or admission rejects pods, from the Deployment: there is no pod to read it from. */
export function replicaFailure(deployment: Deployment | undefined): Trouble | undefined {
  const failure = deployment?.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  if (failure?.status !== "True") return undefined;
  const reason = /quota/i.test(failure.message ?? "") ? "QuotaExceeded" : "PodRefused";
  return trouble(reason, `The cluster rejects the pod: ${failure.message}`, false);
}

function trouble(reason: string, message: string, final: boolean): Trouble {
  return { reason, message, log: [], final, isOfCode: false };
}

function container(pod: Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
}

export function condition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((each) => each.type === type);
}
