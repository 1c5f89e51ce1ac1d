import type { Condition, Deployment, FunctionResource, FunctionStatus, Pod } from "../cluster/resources.ts";
import { crashOf, isReady, isTerminating, replicaFailure, type Trouble, troubleOf } from "./pod-state.ts";

const ERRORS_KEPT = 10;
const MESSAGE_LENGTH = 2_000;

/** Reason why the `spec` of a Function cannot become a version. */
export interface Fault {
  /** `InvalidSetting`, `BuildFailed`, `StartFailed`, `CodeMissing`, … */
  readonly reason: string;
  readonly message: string;
}

export interface StatusInput {
  readonly resource: FunctionResource;
  /** Deployments of the versions that take calls; undefined for a missing one. */
  readonly deployments: readonly (Deployment | undefined)[];
  /** Pods of the versions that take calls. */
  readonly pods: readonly Pod[];
  readonly fault?: Fault | undefined;
  readonly publishing: boolean;
  readonly url: string;
}

/** Builds the status of a Function without its versions. The time of a condition changes only with its status. */
export function functionStatus(input: StatusInput, now: Date): FunctionStatus {
  const { resource, pods, url, fault } = input;
  const before = resource.status ?? {};
  const generation = resource.metadata.generation ?? 0;
  const verdicts = [readyVerdict(input), builtVerdict(fault), progressingVerdict(input)];
  const conditions = verdicts.map((verdict): Condition => {
    const last = before.conditions?.find(({ type }) => type === verdict.type);
    const unchanged = last?.status === verdict.status && last.lastTransitionTime !== undefined;
    const lastTransitionTime = unchanged ? last.lastTransitionTime! : seconds(now);
    return { ...verdict, lastTransitionTime, observedGeneration: generation };
  });
  return {
    instances: pods.filter(isReady).length,
    url,
    observedGeneration: generation,
    conditions,
    lastErrors: lastErrors(input, now),
  };
}

type Verdict = Pick<Condition, "type" | "status"> & { reason: string; message: string };

function verdict(type: string, status: boolean, [reason, message]: readonly [string, string]): Verdict {
  return { type, status: status ? "True" : "False", reason, message: message.slice(0, MESSAGE_LENGTH) };
}

function readyVerdict({ resource, deployments, pods, fault }: StatusInput): Verdict {
  const ready = pods.filter(isReady).length;
  if (ready > 0) return verdict("Ready", true, ["Serving", `${ready} ready`]);
  if (deployments.length === 0) {
    if (fault) return verdict("Ready", false, [fault.reason, fault.message]);
    const isStored = (resource.status?.versions?.length ?? 0) > 0;
    if (isStored) return verdict("Ready", false, ["NoTraffic", "No version takes calls."]);
    return verdict("Ready", false, ["Deploying", "The first version is not ready yet."]);
  }
  const trouble = worst(pods) ?? deployments.map(replicaFailure).find((each) => each !== undefined);
  if (trouble) return verdict("Ready", false, [trouble.reason, describe(trouble)]);
  if (deployments.every((each) => each?.spec.replicas === 0)) {
    return verdict("Ready", true, ["Asleep", "The next call wakes it."]);
  }
  if (!deployments.every((each) => each !== undefined)) {
    return verdict("Ready", false, ["Repairing", "Its Deployment is being made."]);
  }
  return verdict("Ready", false, ["Starting", "An instance starts."]);
}

function builtVerdict(fault: Fault | undefined): Verdict {
  if (!fault) return verdict("Built", true, ["Built", "spec is deployed as a version."]);
  return verdict("Built", false, [fault.reason, fault.message]);
}

function progressingVerdict({ publishing }: StatusInput): Verdict {
  if (publishing) return verdict("Progressing", true, ["Deploying", "A version is being deployed."]);
  return verdict("Progressing", false, ["Settled", "Nothing is under way."]);
}

function worst(pods: readonly Pod[]): Trouble | undefined {
  const troubles = pods.flatMap((pod) => troubleOf(pod) ?? []);
  return troubles.find(({ final }) => final) ?? troubles[0];
}

function describe({ message, log }: Trouble): string {
  return log.length === 0 ? message : `${message} Its last lines:\n${log.join("\n")}`;
}

function lastErrors({ resource, pods, fault }: StatusInput, now: Date): { at: string; message: string }[] {
  const kept = resource.status?.lastErrors ?? [];
  const seen = new Set(kept.map(({ message }) => message));
  const crashes = pods.filter((pod) => !isTerminating(pod)).flatMap((pod) => crashOf(pod) ?? []);
  const errors = [
    ...(fault ? [{ at: undefined, text: fault.message }] : []),
    ...crashes.map((crash) => ({ at: crash.at, text: describe(crash) })),
  ];
  const fresh = errors.map(({ at = seconds(now), text }) => ({ at, message: text.slice(0, MESSAGE_LENGTH) }));
  const unseen = fresh.filter(({ message }, index) => {
    return !seen.has(message) && fresh.findIndex((each) => each.message === message) === index;
  });
  return [...kept, ...unseen].slice(-ERRORS_KEPT);
}

/** Times in Kubernetes' objects have no fractions. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
