import type { OpenApproval, RunDescriber } from "../../../platform/flows/description/run-describer.ts";
import { isTooDeep, TOO_DEEP } from "../../../platform/flows/run/values/depth.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { readJson } from "../read-json.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { accepted, sendSignal, unknownStep } from "./change-run.ts";
import { readRun } from "./run-reading.ts";
import { hasEnded, requireRun } from "./visible-runs.ts";

const COMMENT_LENGTH = 2_000;
/** A run keeps the data in its entries. */
const MOST_BYTES = 64 * 1024;

interface Decision {
  readonly approved: boolean;
  readonly comment?: string;
  readonly data?: unknown;
}

/**
 * `POST /flow/NAME/run/ID/approve?step=&item=`: answers a step that waits for a person. The body is `{approved, comment, data}`; without
 * one it approves. `step` may be left out if one step alone waits.
 */
export function approveRun(services: Services): Handler {
  const readers = { step: (text?: string) => text, item: wholeNumber(0, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const { step, item } = readParameters(ctx, readers);
    refusePrecondition(ctx);
    const decision = await readDecision(ctx.req);
    // The route asks for `call`. A key that may not read a run must not decide about it either.
    const run = await requireRun(services, ctx, "read");
    const describer = await readRun(requirePart(services, "runs"), run);
    if (step !== undefined && describer.unitsOf(step) === undefined) throw unknownStep(step, describer.names);
    const waiting = hasEnded(run) ? [] : describer.approvals();
    const { by: approvers, ...place } = placeOf(
      waiting,
      { step, item, became: becameOf(describer, step, item) },
      run.id,
    );
    const { by } = ctx.state;
    if (approvers !== undefined) requireApprover(by, place.step, approvers);
    await sendSignal(services, run, { kind: "approval", ...place, ...decision, by });
    const where = place.item === undefined ? place.step : `${place.step}/${place.item}`;
    ctx.state.audited = {
      target: `flow/${run.flow}/${run.id}`,
      detail: `${decision.approved ? "approved" : "rejected"} ${where}`,
    };
    accepted(ctx, run, decision.approved ? "approve" : "reject");
  };
}

interface Asked {
  readonly step: string | undefined;
  readonly item: number | undefined;
  /** For the error if it does not wait. */
  readonly became: string;
}

/** @throws Problem `not_waiting`; `invalid_request` if several steps wait and none is named */
function placeOf(waiting: readonly OpenApproval[], { step, item, became }: Asked, id: string): OpenApproval {
  const matching = waiting.filter(
    (each) => (step ?? each.step) === each.step && (item ?? each.item) === each.item,
  );
  const [place, another] = matching;
  if (place === undefined) {
    const what = step === undefined ? `The run ${id}` : `The step "${step}" of the run ${id}`;
    const names = [...new Set(waiting.map((each) => each.step))].join(", ");
    const others = names === "" ? "Nobody is asked now" : `These steps wait for approval: ${names}`;
    throw new Problem("not_waiting", `${what} waits for no such approval${became}. ${others}.`);
  }
  if (another === undefined) return place;
  const named = matching.slice(0, 10).map((each) => {
    return each.item === undefined ? `step=${each.step}` : `step=${each.step}&item=${each.item}`;
  });
  throw new Problem(
    "invalid_request",
    `Several steps wait for approval: name one, as in ${named.join(" or ")}.`,
  );
}

/** What became of an approval that is over. */
function becameOf(describer: RunDescriber, step: string | undefined, item: number | undefined): string {
  const last = step === undefined ? undefined : describer.attemptsOf(step, item).at(-1);
  if (last?.waitsFor?.kind !== "approval" || last.endedAt === undefined) return "";
  const at = new Date(last.endedAt).toISOString();
  if (last.state === "done") return `: it was approved at ${at}`;
  const why = last.error === undefined ? "" : `: ${last.error.message.replace(/\.$/, "")}`;
  return `: it ended at ${at}${why}`;
}

/** A key is named without its id, so that a new key takes the place of an old one. @throws Problem `forbidden` */
function requireApprover(by: string, step: string, approvers: readonly string[]): void {
  if (approvers.includes(by) || approvers.includes(by.replace(/^(key .*) \(\w+\)$/, "$1"))) return;
  const detail = `The step "${step}" may be decided by ${approvers.join(", ")} alone, and the caller is ${by}.`;
  throw new Problem("forbidden", detail);
}

/** @throws Problem `invalid_request` and those of `readJson` */
async function readDecision(request: Parameters<typeof readJson>[0]): Promise<Decision> {
  const isEmpty = request.headers["content-length"] === "0" || request.readableEnded;
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || request.headers["content-length"] !== undefined;
  if (isEmpty || !hasBody) return { approved: true };
  const body = await readJson(request, { maxBytes: MOST_BYTES });
  const fault = (detail: string) => new Problem("invalid_request", detail);
  if (!isRecord(body)) throw fault('The body must be an object, such as {"approved": true, "comment": "…"}.');
  const { approved = true, comment, data, ...rest } = body;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw fault(`Unknown member "${unknown.slice(0, 40)}": use approved, comment and data.`);
  }
  if (typeof approved !== "boolean") throw fault("approved must be true or false.");
  if (comment !== undefined && (typeof comment !== "string" || comment.length > COMMENT_LENGTH)) {
    throw fault(`comment must be a text of at most ${COMMENT_LENGTH} characters.`);
  }
  if (isTooDeep(data)) throw fault(`data is ${TOO_DEEP}: make it flatter.`);
  return { approved, ...(comment === undefined ? {} : { comment }), ...(data === undefined ? {} : { data }) };
}
