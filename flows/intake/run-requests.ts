import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestIdentity } from "../../calling/requests/request-identity.ts";
import { credentialsOf } from "../../http/access/given-credentials.ts";
import { requireAllFunctions } from "../../http/access/principal.ts";
import { clientSignal } from "../../http/client-signal.ts";
import { requireHeaderRoom } from "../../http/request-problems.ts";
import { Problem } from "../../platform/problems.ts";
import { parseDurationMs } from "../../platform/quantity.ts";
import { newCallId } from "../../store/call-id.ts";
import { acknowledge, runFailed, sendOutput, skip } from "./answers.ts";
import type { Beginner } from "./beginning.ts";
import type { IntakeParts } from "./intake-parts.ts";
import { Overlaps } from "./overlaps.ts";
import { skiffCallOf } from "./skiff-trigger.ts";
import type { FlowTarget } from "./target.ts";

/** Longest wait for the end of a run, in milliseconds. */
const MOST_WAIT_MS = 300_000;

/** Answers POST /flow/NAME/run. */
export class RunRequests {
  readonly #parts: IntakeParts;
  readonly #overlaps: Overlaps;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#overlaps = new Overlaps(parts.services);
  }

  /** @throws Problem for what begins no run, and `run_failed` */
  async answer(request: IncomingMessage, response: ServerResponse, target: FlowTarget): Promise<void> {
    const { services, inputs, beginning, outcomes } = this.#parts;
    requireHeaderRoom([request.url!, ...request.rawHeaders], services.limits);
    const flow = await services.table.find(target.flow);
    const begunBy = this.#callerOf(request, flow.name);
    const waitMs = waitOf(target.query);
    const identity = RequestIdentity.of(request);
    const earlier = await this.#overlaps.find(request, flow.name, begunBy.trigger);
    if (earlier !== undefined) return skip(response, flow.name, earlier);
    const input = await inputs.read(request, flow, identity);
    const { method, headers } = request;
    const id = newCallId(services.now(), services.random);
    const beginner = {
      ...{ id, flow, input, ...begunBy, identity, traceparent: headers.traceparent as string | undefined },
      parts: [method, headers["content-type"] ?? ""],
    };
    if (waitMs === 0) {
      const begun = await beginning.begin(beginner);
      const state = begun.isNew ? "queued" : await outcomes.stateOf(begun.id);
      return acknowledge(response, flow.name, begun, state);
    }
    const wait = { waitMs, signal: clientSignal(response) };
    const { run, outcome } = await outcomes.after(id, wait, () => beginning.begin(beginner));
    if (outcome.kind === "none") {
      return acknowledge(response, flow.name, run, await outcomes.stateOf(run.id));
    }
    if (outcome.kind === "ended") throw runFailed(flow.name, run.id, outcome.end);
    await sendOutput(response, outcome.output, { run, services });
  }

  #callerOf(request: IncomingMessage, flow: string): Pick<Beginner, "caller" | "trigger"> {
    const { services, callers } = this.#parts;
    const call = skiffCallOf(request, services.callerKey);
    if (call !== undefined) return { caller: { by: call.by }, trigger: call.trigger };
    const asked = { what: `The flow "${flow}"`, needsKey: true, admitsLocal: true };
    const caller = callers.check(request, asked, credentialsOf(request));
    // A flow calls functions, whichever they are.
    requireAllFunctions(caller);
    return { caller, trigger: { kind: "api", by: caller.by } };
  }
}

/** 0 without a wait. */
function waitOf(query: URLSearchParams): number {
  for (const name of query.keys()) {
    if (name === "wait") continue;
    const detail = `Unknown parameter "${name.slice(0, 80)}": POST /flow/NAME/run takes wait, such as wait=30s.`;
    throw new Problem("invalid_request", detail);
  }
  const [text, ...more] = query.getAll("wait");
  if (text === undefined) return 0;
  const ms = more.length === 0 ? parseDurationMs(text) : undefined;
  if (ms !== undefined && ms >= 1 && ms <= MOST_WAIT_MS) return ms;
  const shown = [text, ...more].join(", ").slice(0, 80);
  throw new Problem(
    "invalid_request",
    `wait is "${shown}": use one duration from 1 ms to 5 min, such as 30s.`,
  );
}
