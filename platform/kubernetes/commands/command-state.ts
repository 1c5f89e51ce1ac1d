import type { CommandEnd } from "../../images/commands.ts";
import { Problem } from "../../problems.ts";
import type { ContainerState, Pod } from "../cluster/resources.ts";
import { isPullError, pullProblem } from "../images/pull-problem.ts";
import { COMMAND_CONTAINER } from "../objects/names.ts";
import { condition } from "../objects/pod-state.ts";

/** What the pod of a command shows. */
export type CommandState =
  | { readonly is: "waiting"; readonly isScheduled: boolean; readonly why: string }
  | { readonly is: "refused"; readonly problem: Problem }
  | { readonly is: "running" }
  | { readonly is: "ended"; readonly end: Omit<CommandEnd, "durationMs">; readonly seconds?: number };

type Terminated = NonNullable<ContainerState["terminated"]>;

/** @param pod undefined while there is none */
export function commandState(pod: Pod | undefined, image: string): CommandState {
  if (pod === undefined) return { is: "waiting", isScheduled: false, why: "the Job has no pod yet" };
  const status = pod.status?.containerStatuses?.find(({ name }) => name === COMMAND_CONTAINER);
  const { running, terminated, waiting } = status?.state ?? {};
  if (terminated) return endOf(terminated, image);
  if (running) return { is: "running" };
  // A node that is lost or out of resources takes its pods with it.
  if (pod.status?.phase === "Failed") return { is: "ended", end: { because: "aborted" } };
  const { reason = "", message = "" } = waiting ?? {};
  if (isPullError(reason)) return { is: "refused", problem: pullProblem(image, { reason, message }) };
  if (/^(CreateContainer|RunContainer)/.test(reason)) {
    return { is: "refused", problem: startProblem(image, message || reason) };
  }
  const scheduled = condition(pod, "PodScheduled");
  const isScheduled = scheduled?.status === "True";
  return { is: "waiting", isScheduled, why: isScheduled ? reason : (scheduled?.message ?? "no node yet") };
}

function endOf(terminated: Terminated, image: string): CommandState {
  const { reason = "", exitCode, message = "", startedAt, finishedAt } = terminated;
  if (/^(StartError|ContainerCannotRun)$/.test(reason)) {
    return { is: "refused", problem: startProblem(image, message || reason) };
  }
  const seconds = (Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "")) / 1_000;
  const timed = Number.isFinite(seconds) && seconds >= 0 ? { seconds } : {};
  // The runtime reports OOMKilled also if a child was killed and the command exited with 0.
  if (reason === "OOMKilled" && exitCode !== 0) {
    return { is: "ended", end: { because: "out_of_memory" }, ...timed };
  }
  return { is: "ended", end: exitCode === undefined ? { because: "aborted" } : { exitCode }, ...timed };
}

function startProblem(image: string, message: string): Problem {
  const isMissing = /not found|no such file|permission denied|exec format error|is a directory/i.test(
    message,
  );
  if (!isMissing) return new Problem("start_failed", `The command cannot be started in ${image}: ${message}`);
  const what = /exec: ("[^"]*": [^:]*)/.exec(message)?.[1] ?? message;
  return new Problem("command_not_found", `The image ${image} cannot run the command: ${what}`);
}

/**
 * Returns how long a command ran. Kubernetes tells the times of a container to the second only, and a program that watches
 * it sees start and end up to a second late.
 */
export function durationOf(observedMs: number, seconds: number | undefined): number {
  const wholeMs = 1_000 * (seconds ?? 0);
  const admitted = Math.min(Math.max(observedMs, wholeMs - 999), wholeMs + 999);
  return Math.round(seconds === undefined ? observedMs : admitted);
}
