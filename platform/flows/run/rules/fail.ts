import type { CatchRule } from "../../definition/definition.ts";
import type { AttemptOf, KeptValue } from "../entry.ts";
import type { StepError } from "../error.ts";
import type { LiveRun } from "../live-run.ts";
import { refOf } from "../under-way.ts";
import { errorOf } from "../values/failure.ts";
import { scopeOf, stepScope, withPlain } from "../values/scope.ts";
import { errorMembers, keptOf, type Scope } from "../values/values.ts";
import { release } from "./release.ts";

interface Caught {
  readonly error: StepError;
  /** Of its rule. */
  readonly then?: string | undefined;
  readonly output?: KeptValue | undefined;
}

/** An attempt failed for good: its catch decides what becomes of its step. Throws `Unloaded`. */
export function failAttempt(
  run: LiveRun,
  of: AttemptOf,
  failure: { error: StepError; callId?: string | undefined; position?: number | undefined },
): void {
  const { step, item, attempt } = of;
  const { callId, position } = failure;
  const { error, then, output } = caughtBy(run, step, failure.error, () => scopeOf(run, of));
  const end = { kind: "failed", ...refOf(step, item), attempt, error } as const;
  const failed = { ...end, ...originOf(callId, position) };
  if (output !== undefined) {
    run.record({ ...failed, output });
    run.underWay.dirty.add(step);
    return;
  }
  run.record(failed);
  closeStep(run, step, { error: item === undefined ? error : { ...error, item }, then });
}

/** Where a result came from, without what is absent. */
export function originOf(
  callId: string | undefined,
  position: number | undefined,
): { readonly callId?: string; readonly position?: number } {
  return { ...(callId !== undefined && { callId }), ...(position !== undefined && { position }) };
}

/** A step failed apart from its attempts: a condition, a list, too many iterations. */
export function failStep(run: LiveRun, step: string, failure: StepError): void {
  const { error, then, output } = caughtBy(run, step, failure, () => stepScope(run, step));
  if (output === undefined) {
    closeStep(run, step, { error, then });
    return;
  }
  releaseStep(run, step);
  run.record({ kind: "settled", step, output });
}

function closeStep(run: LiveRun, step: string, { error, then }: Caught): void {
  if (then !== undefined) {
    releaseStep(run, step);
    run.record({ kind: "caught", step, error, then });
    return;
  }
  // Another of its items failed before, or the run was cancelled meanwhile.
  if (run.data(step).state === "failed") return;
  const stops = run.state.stopping === undefined && !run.state.isFinally;
  release(
    run,
    [...run.underWay.waiting.values()].filter((ref) => stops || ref.step === step),
  );
  run.record({ kind: "stepFailed", step, error });
  if (stops) dropRefused(run);
}

/** Ends what is under way of a step. */
function releaseStep(run: LiveRun, step: string): void {
  const { running, waiting } = run.underWay;
  release(
    run,
    [...running.values(), ...waiting.values()].filter((ref) => ref.step === step),
  );
}

/** Attempts that could not be made yet are not made any more. */
function dropRefused(run: LiveRun): void {
  for (const [key, { of, code }] of run.refused) {
    run.refused.delete(key);
    if (run.planned(of.step).isFinally) continue;
    const message = "The run failed before Skiff could make the call.";
    run.record({
      kind: "failed",
      ...refOf(of.step, of.item),
      attempt: of.attempt,
      error: { type: code, message },
    });
  }
}

function caughtBy(run: LiveRun, name: string, error: StepError, scope: () => Scope): Caught {
  const planned = run.planned(name);
  const isOver = run.data(name).state !== "active" && run.data(name).state !== "pending";
  if (isOver || (run.state.stopping !== undefined && !planned.isFinally)) return { error };
  const rule = planned.step.catch.find(({ on }) => on.length === 0 || on.some((what) => isOf(error, what)));
  if (rule === undefined) return { error };
  if (rule.then !== undefined) return { error, then: rule.then };
  try {
    return { error, output: insteadOf(rule, error, scope()) };
  } catch (failure) {
    return { error: errorOf(failure) };
  }
}

function insteadOf({ output }: CatchRule, error: StepError, scope: Scope): KeptValue {
  return keptOf(withPlain(scope, { error: errorMembers(error) }), output, "catch.output");
}

function isOf({ type, status }: StepError, what: string): boolean {
  if (what === type || (status !== undefined && what === String(status))) return true;
  return status !== undefined && what === `${Math.floor(status / 100)}xx`;
}
