import type { FlowDefinition, Step } from "../../../platform/flows/definition/definition.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { RunRecord, Runs } from "../../../store/flows/runs.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { accepted, definitionOf, notEnded, unknownStep } from "./change-run.ts";
import { readRun } from "./run-reading.ts";
import { hasEnded, requireRun } from "./visible-runs.ts";

/**
 * `POST /flow/NAME/run/ID/retry?from=STEP&item=N&functions=current`: an ended run goes on, by default from where it failed. With
 * `functions` its calls go to the versions that have traffic now, so that a function that was mended is called.
 */
export function retryRun(services: Services): Handler {
  const readers = {
    ...{ from: (text?: string) => text, item: wholeNumber(0, Number.MAX_SAFE_INTEGER, undefined) },
    functions: readFunctions,
  };
  return async (ctx) => {
    const { from, item, functions } = readParameters(ctx, readers);
    refusePrecondition(ctx);
    const run = await requireRun(services, ctx, "deploy");
    const runs = requirePart(services, "runs");
    if (!hasEnded(run)) throw notEnded(run);
    const definition = await definitionOf(runs, run);
    checkPlace(definition, { from, item });
    if (from === undefined && run.state === "done") throw nothingFailed(run, definition);
    if (from !== undefined && item !== undefined) await checkItem(runs, run, { from, item });
    const { by } = ctx.state;
    const signal: Signal = {
      kind: "retry",
      by,
      ...(from && { from }),
      ...(item !== undefined && { item }),
      ...(functions && { functions: presentVersions(services, definition) }),
    };
    const isReopened = await runs.reopen({ run: run.id, signal }, services.keys.now());
    if (!isReopened) throw notEnded((await runs.get(run.id)) ?? run);
    accepted(ctx, { ...run, state: "queued" }, "retry");
  };
}

function nothingFailed({ id }: RunRecord, { steps }: FlowDefinition): Problem {
  const detail = `The run ${id} is done, and no step of it failed: name one with from, as in from=${Object.keys(steps)[0]}.`;
  return new Problem("run_ended", detail);
}

/** Of each function that a step calls without a version, the one with the largest share of the calls. */
function presentVersions(
  { platform }: Pick<Services, "platform">,
  { steps, finally: last }: FlowDefinition,
): Readonly<Record<string, number>> {
  const versions: Record<string, number> = {};
  for (const { action } of [...Object.values(steps), ...Object.values(last)]) {
    if (action.kind !== "fn" || action.version !== undefined) continue;
    const traffic = platform.endpoints(action.function)?.traffic ?? [];
    const [first] = traffic.toSorted((one, other) => other.weight - one.weight);
    if (first !== undefined) versions[action.function] = first.version;
  }
  return versions;
}

function readFunctions(text: string | undefined): boolean {
  if (text === undefined) return false;
  if (text === "current") return true;
  const detail = `functions=${text.slice(0, 40)} is not valid: use functions=current, or leave it out and calls go to the versions with which the run began.`;
  throw new Problem("invalid_request", detail);
}

function checkPlace(
  { steps, finally: last }: FlowDefinition,
  { from, item }: { readonly from: string | undefined; readonly item: number | undefined },
): void {
  if (from === undefined) {
    if (item === undefined) return;
    throw new Problem("invalid_request", "item is an item of a step: name it, as in from=STEP&item=0.");
  }
  const all: Readonly<Record<string, Step>> = { ...steps, ...last };
  const step = Object.hasOwn(all, from) ? all[from] : undefined;
  if (step === undefined) throw unknownStep(from, Object.keys(all));
  if (item === undefined || step.each !== undefined || step.while !== undefined) return;
  const detail = `The step "${from}" has no items: leave item out, or name a step with each or while.`;
  throw new Problem("invalid_request", detail);
}

async function checkItem(
  runs: Pick<Runs, "entries">,
  run: RunRecord,
  { from, item }: { readonly from: string; readonly item: number },
): Promise<void> {
  const items = (await readRun(runs, run)).unitsOf(from) ?? 0;
  if (item < items) return;
  const detail = `The step "${from}" has ${items} items, which count from 0: it has no item ${item}.`;
  throw new Problem("unknown_step", detail);
}
