import type { AttemptOf } from "../entry.ts";
import type { Unit } from "../fold/state.ts";
import type { LiveRun } from "../live-run.ts";
import type { Timer } from "../timers.ts";
import { keyOf, refOf } from "../under-way.ts";
import { Unloaded } from "../values/failure.ts";
import { complete } from "./complete.ts";
import { failAttempt } from "./fail.ts";
import { currentStep, halt } from "./halt.ts";
import { endPutOff } from "./refused.ts";
import { start, startAgain } from "./start.ts";

/** Does what is due. Returns the bodies that have to be loaded for the rest of it. */
export function takeDue(run: LiveRun): readonly Unloaded[] {
  if (run.isSpent) return [];
  endInTime(run);
  const { timers } = run.underWay;
  const unloaded: Unloaded[] = [];
  const kept: Timer[] = [];
  for (let timer = timers.first(); timer !== undefined && timer.at <= run.now; timer = timers.first()) {
    if (run.isSpent) break;
    timers.removeFirst();
    if (!isValid(run, timer)) continue;
    try {
      fire(run, timer);
    } catch (error) {
      if (!(error instanceof Unloaded)) throw error;
      unloaded.push(error);
      kept.push(timer);
    }
  }
  for (const timer of kept) timers.add(timer);
  return unloaded;
}

/** When something is due next; undefined: nothing is. */
export function nextDue(run: LiveRun): number | undefined {
  const { timers } = run.underWay;
  let timer = timers.first();
  while (timer !== undefined && !isValid(run, timer)) {
    timers.removeFirst();
    timer = timers.first();
  }
  const deadline = deadlineOf(run);
  if (timer === undefined || deadline === undefined) return timer?.at ?? deadline;
  return Math.min(timer.at, deadline);
}

function endInTime(run: LiveRun): void {
  const deadline = deadlineOf(run);
  if (deadline === undefined || run.now < deadline) return;
  const seconds = Math.round(run.state.begun.definition.timeoutMs / 1000);
  const message = `The run took longer than ${seconds} s, which is its \`timeout\`.`;
  halt(run, { kind: "runFailed", step: currentStep(run), error: { type: "timeout", message } });
}

/** Of the steps that are not in `finally`. */
function deadlineOf({ state, underWay }: LiveRun): number | undefined {
  const isOver = state.ended !== undefined || state.stopping !== undefined || underWay.main === 0;
  return isOver ? undefined : state.since + state.begun.definition.timeoutMs;
}

/** A timer of a unit that went on is none, nor is one that starts something in a paused run: these come back when it is resumed. */
function isValid(run: LiveRun, timer: Timer): boolean {
  if (!run.underWay.isOf(timer)) return false;
  if (timer.kind === "until") return true;
  if (run.isFrozen(run.planned(timer.step))) return false;
  return timer.kind === "retry" || run.refused.get(keyOf(timer.step, timer.item))?.at === timer.at;
}

function fire(run: LiveRun, timer: Timer): void {
  const unit = run.unit(timer)!;
  const of = { ...refOf(timer.step, timer.item), attempt: unit.attempt };
  if (timer.kind === "retry") start(run, timer);
  else if (timer.kind === "refused") {
    if (endPutOff(run, of)) return;
    startAgain(run, of);
    run.refused.delete(keyOf(of.step, of.item));
  } else endWait(run, of, unit);
}

function endWait(run: LiveRun, of: AttemptOf, unit: Unit): void {
  const { until } = unit;
  const waitsFor = unit.for!;
  if (waitsFor.kind === "time") {
    complete(run, of, { output: { json: null } });
    return;
  }
  const message = `Step \`${of.step}\` waited for ${NAMES[waitsFor.kind]} until ${new Date(until!).toISOString()}, which is its \`timeout\`.`;
  failAttempt(run, of, { error: { type: "timeout", message } });
  if (waitsFor.kind === "event") run.draft.waitsOver.push(refOf(of.step, of.item));
  if (waitsFor.kind === "flow") run.draft.cancels.push(waitsFor.run);
}

const NAMES = { event: "an event", approval: "an approval", flow: "the run of a flow" } as const;
