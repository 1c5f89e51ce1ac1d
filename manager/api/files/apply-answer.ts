import { Problem, problemDocument, toProblem } from "../../../platform/problems.ts";
import { printableLines } from "../../../process/printable.ts";
import type { ObjectKind } from "../../files/object-kind.ts";
import type { Outcome } from "../../files/plan/carry-out.ts";
import type { ObjectOutcome } from "../../files/plan/carry-out-objects.ts";
import type { PlannedChange } from "../../files/plan/plan.ts";
import { answerJson } from "../answer.ts";
import { baseUrl, type Call, type Services } from "../services.ts";

const PLAIN = "text/plain";

export interface Outcomes {
  readonly functions: readonly Outcome[];
  readonly objects: readonly ObjectOutcome[];
}

interface Applied extends Outcomes {
  readonly dryRun: boolean;
  readonly kinds: readonly ObjectKind[];
  readonly warnings: readonly string[];
}

type Document = Readonly<Record<string, unknown>>;

/**
 * Answers an apply, as JSON or as text.
 * @throws Problem `apply_failed` if something failed
 */
export function answerApply(ctx: Call, services: Services, applied: Applied): void {
  const { dryRun, functions, objects, kinds, warnings } = applied;
  const all: readonly (Outcome | ObjectOutcome)[] = [...functions, ...objects];
  ctx.state.audited = { target: "folder", detail: sumText(dryRun, all) };
  const documents = {
    functions: functions.map((outcome) => functionDocument(outcome, services, ctx)),
    ...Object.fromEntries(
      kinds.map((kind) => {
        const own = objects.filter(({ change }) => change.kind === kind);
        return [kind.plural, own.map((outcome) => documentOf(outcome, ctx))];
      }),
    ),
  };
  if (all.some(({ state }) => state === "failed")) throw applyFailed(all, documents);
  if (ctx.accepts("application/json", PLAIN) === PLAIN) {
    ctx.type = PLAIN;
    ctx.body = resultText(applied, all);
  } else answerJson(ctx, { dryRun, ...documents, warnings });
}

function applyFailed(all: readonly (Outcome | ObjectOutcome)[], documents: Document): Problem {
  const failed = all.filter(({ state }) => state === "failed");
  const reasons = failed.map((outcome) => `${labelOf(outcome)}: ${toProblem(outcome.error).detail}`);
  const what = all.every(({ change }) => !("kind" in change)) ? "functions" : "changes";
  const detail = `${failed.length} of ${all.length} ${what} failed; the others are as the folder declares them. Correct these and apply the folder again.\n${reasons.join("\n")}`;
  return new Problem("apply_failed", detail.slice(0, 8_000), documents);
}

function functionDocument(outcome: Outcome, services: Services, ctx: Call): Document {
  const { change, state } = outcome;
  const { name, action } = change;
  const version = outcome.version ?? change.version;
  const isThere = action !== "remove" || state !== "done";
  return {
    ...documentOf(outcome, ctx),
    ...(version === undefined ? {} : { version }),
    ...(isThere && version !== undefined ? { url: `${baseUrl(services, ctx)}/fn/${name}` } : {}),
  };
}

function documentOf({ change, state, error }: Outcome | ObjectOutcome, ctx: Call): Document {
  const { name, action, diff } = change;
  return {
    ...{ name, action, state, diff },
    ...(error === undefined ? {} : { problem: problemDocument(toProblem(error), ctx.state.callId) }),
  };
}

/** `hello`, or `topic/orders`. */
function labelOf({ change }: Outcome | ObjectOutcome): string {
  return "kind" in change ? `${change.kind.noun}/${change.name}` : change.name;
}

const SIGNS: Readonly<Record<PlannedChange["action"], string>> = {
  create: "+",
  update: "~",
  unchanged: "=",
  remove: "-",
};

/** The plan for people: a line for each change, its diff, and a sum. */
function resultText({ dryRun, warnings }: Applied, all: readonly (Outcome | ObjectOutcome)[]): string {
  const parts = all.map((outcome) => {
    const { action, diff } = outcome.change;
    const deployed = "deployed" in outcome ? (outcome.deployed ?? []) : [];
    const made = deployed.flatMap(({ version, unchanged }) => (unchanged ? [] : [`version ${version}`]));
    const version = made.length === 0 ? "" : ` (${made.join(", ")})`;
    return `${SIGNS[action]} ${action} ${labelOf(outcome)}${version}\n${printableLines(diff)}`;
  });
  const lines = warnings.map((warning) => `warning: ${warning}\n`);
  return `${parts.join("")}${lines.join("")}${sumText(dryRun, all)}.\n`;
}

/** `Applied: 1 create, 2 unchanged` */
function sumText(dryRun: boolean, all: readonly (Outcome | ObjectOutcome)[]): string {
  const sums = Object.keys(SIGNS).flatMap((action) => {
    const count = all.filter(({ change }) => change.action === action).length;
    return count === 0 ? [] : [`${count} ${action}`];
  });
  return `${dryRun ? "Plan" : "Applied"}: ${sums.join(", ") || "no functions"}`;
}
