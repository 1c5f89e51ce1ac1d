import { Readable } from "node:stream";
import type { AttemptOf, Entry, KeptBody, KeptValue } from "../../../platform/flows/run/entry.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Runs } from "../../../store/flows/runs.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { readAttemptInput } from "./attempt-values.ts";
import { unknownStep } from "./change-run.ts";
import { attemptDocument } from "./describe-run.ts";
import { entriesOf } from "./entries.ts";
import { readRun, shownValue } from "./run-reading.ts";
import { requireRun } from "./visible-runs.ts";

const NUMBERS = {
  item: wholeNumber(0, Number.MAX_SAFE_INTEGER, undefined),
  attempt: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined),
};

/** `GET /flow/NAME/run/ID/step/STEP?item=&attempt=`: an attempt, by default the last one, with its input and its output. */
export function describeStep(services: Services): Handler {
  return async (ctx) => {
    const { id, step, of, attempts } = await readAsked(services, ctx);
    const attempt = attempts.find((each) => each.attempt === of.attempt)!;
    const runs = requirePart(services, "runs");
    const output = await outputOf(runs, id, of);
    const input = await readAttemptInput(services, id, of);
    answerJson(ctx, {
      step,
      ...attemptDocument(attempt),
      ...("fault" in input ? { inputFault: input.fault } : shownValue("input", input.input)),
      ...shownValue("output", output),
      attempts: attempts.map(attemptDocument),
    });
  };
}

/** `GET /flow/NAME/run/ID/step/STEP/output?item=&attempt=`: the output of an attempt, by default of the last one, as it is. */
export function readStepOutput(services: Services): Handler {
  return async (ctx) => {
    const { id, step, of } = await readAsked(services, ctx);
    const output = await outputOf(requirePart(services, "runs"), id, of);
    if (output === undefined)
      throw new Problem("no_result", `Attempt ${of.attempt} of the step "${step}" has no output.`);
    // A page of a function must not act as a page of the management API.
    ctx.set("content-security-policy", "sandbox");
    if ("json" in output) return answerJson(ctx, output.json);
    answerBody(services, ctx, output);
  };
}

function answerBody(services: Services, ctx: Call, { body: id, bytes, type }: KeptBody): void {
  ctx.status = 200;
  ctx.set("content-type", type);
  if (ctx.method !== "HEAD") ctx.body = Readable.from(requirePart(services, "bodies").read({ id, bytes }));
  // After the stream, which has no length of its own.
  ctx.length = bytes;
}

/** @throws Problem `unknown_step` for a step, an item or an attempt that there is not */
async function readAsked(services: Services, ctx: Call) {
  const { item, attempt } = readParameters(ctx, NUMBERS);
  const run = await requireRun(services, ctx, "read");
  const { id } = run;
  const step = ctx.params.step!;
  const describer = await readRun(requirePart(services, "runs"), run);
  const units = describer.unitsOf(step);
  if (units === undefined) throw unknownStep(step, describer.names);
  if (describer.isLoop(step) !== (item !== undefined)) {
    const advice =
      item === undefined ? "runs more than once: name one with item=N" : "has no items: leave item out";
    throw new Problem("invalid_request", `The step "${step}" ${advice}.`);
  }
  const attempts = describer.attemptsOf(step, item);
  const last = attempts.at(-1)?.attempt;
  const asked = attempt ?? last;
  if (asked === undefined || !attempts.some((each) => each.attempt === asked)) {
    const what = item === undefined ? `"${step}"` : `"${step}", item ${item},`;
    const detail =
      last === undefined
        ? `The step ${what} has not begun.`
        : `The step ${what} has no attempt ${asked} that is kept; the last one is ${last}.`;
    throw new Problem("unknown_step", detail);
  }
  const of: AttemptOf = { step, ...(item === undefined ? {} : { item }), attempt: asked };
  return { id, step, of, attempts };
}

async function outputOf(
  runs: Pick<Runs, "entries">,
  id: string,
  of: AttemptOf,
): Promise<KeptValue | undefined> {
  let output: KeptValue | undefined;
  for await (const entry of entriesOf(runs, id)) {
    if ((entry.kind === "done" || entry.kind === "failed") && isOf(entry, of)) output = entry.output;
  }
  return output;
}

export function isOf(entry: Extract<Entry, AttemptOf>, { step, item, attempt }: AttemptOf): boolean {
  return entry.step === step && entry.item === item && entry.attempt === attempt;
}
