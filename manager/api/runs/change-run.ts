import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { RunRecord, Runs } from "../../../store/flows/runs.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { readRun } from "./run-reading.ts";
import { hasEnded, requireRun, unknownRun } from "./visible-runs.ts";

const REASON_LENGTH = 1_000;
const NAME_LENGTH = 80;

/** `POST /flow/NAME/run/ID/cancel?reason=`: no further step starts, and `finally` runs. */
export function cancelRun(services: Services): Handler {
  return async (ctx) => {
    const { reason } = readParameters(ctx, { reason: readReason });
    await tell(services, ctx, { kind: "cancel", by: ctx.state.by, ...(reason && { reason }) });
  };
}

/** `POST /flow/NAME/run/ID/pause`: no further call starts. Waits go on. A run that is being cancelled goes on to its end. */
export function pauseRun(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const run = await requireRun(services, ctx, "deploy");
    if (!hasEnded(run) && (await readRun(requirePart(services, "runs"), run)).isCancelling) {
      const detail = `The run ${run.id} is being cancelled, and cannot be paused: wait for its end.`;
      throw new Problem("run_cancelling", detail);
    }
    await tell(services, ctx, { kind: "pause", by: ctx.state.by });
  };
}

/** `POST /flow/NAME/run/ID/resume`. */
export function resumeRun(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    await tell(services, ctx, { kind: "resume", by: ctx.state.by });
  };
}

/** `DELETE /flow/NAME/run/ID`: removes an ended run. */
export function removeRun(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    refusePrecondition(ctx);
    const run = await requireRun(services, ctx, "deploy");
    if (!hasEnded(run)) throw notEnded(run);
    const runs = requirePart(services, "runs");
    if (!(await runs.remove(run.id))) {
      const now = await runs.get(run.id);
      throw now === undefined ? unknownRun(run.flow, run.id) : notEnded(now);
    }
    answerJson(ctx, { success: true });
  };
}

/** Leaves a signal for the engine of a live run. */
async function tell(services: Services, ctx: Call, signal: Signal): Promise<void> {
  refusePrecondition(ctx);
  await sendSignal(services, await requireRun(services, ctx, "deploy"), signal);
  accepted(ctx, await requireRun(services, ctx, "deploy"), signal.kind);
}

/** @throws Problem `run_ended` */
export async function sendSignal(services: Services, run: RunRecord, signal: Signal): Promise<void> {
  const runs = requirePart(services, "runs");
  const [isTaken] = hasEnded(run)
    ? [false]
    : await runs.signal([{ run: run.id, signal }], services.keys.now());
  if (isTaken !== true) throw ended(run);
}

/**
 * Answers that the engine of the run will act.
 * @param pending what it does next; `state` is the state before
 */
export function accepted(
  ctx: Call,
  { id, flow, state }: Pick<RunRecord, "id" | "flow" | "state">,
  pending: string,
): void {
  ctx.status = 202;
  ctx.set("location", `/flow/${flow}/run/${id}`);
  answerJson(ctx, { id, state, pending });
}

/** @param name what the client named; untrusted text */
export function unknownStep(name: string, steps: readonly string[]): Problem {
  const detail = `The run has no step "${name.slice(0, NAME_LENGTH)}". Its steps: ${steps.slice(0, 50).join(", ")}.`;
  return new Problem("unknown_step", detail);
}

/** Every run has the definition with which it began. */
export async function definitionOf(
  runs: Pick<Runs, "entries">,
  { id, flow }: Pick<RunRecord, "id" | "flow">,
): Promise<FlowDefinition> {
  const [first] = await runs.entries(id, 0, 1);
  if (first?.kind !== "begun") throw unknownRun(flow, id);
  return first.definition;
}

function readReason(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= REASON_LENGTH) return text || undefined;
  throw new Problem(
    "invalid_request",
    `The reason has ${text.length} characters, at most ${REASON_LENGTH}: shorten it.`,
  );
}

function ended({ id, state }: RunRecord): Problem {
  const advice = state === "done" ? "begin another one" : "let it go on with POST …/retry";
  return new Problem("run_ended", `The run ${id} has ended: ${advice}.`);
}

export function notEnded({ id, state }: RunRecord): Problem {
  const advice = state === "paused" ? "let it go on with POST …/resume" : "wait for its end";
  const detail = `The run ${id} is ${state}: ${advice}, or cancel it with POST …/cancel.`;
  return new Problem("run_not_ended", detail);
}
