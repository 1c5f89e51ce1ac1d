import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestIdentity } from "../../calling/requests/request-identity.ts";
import { credentialsOf } from "../../http/access/given-credentials.ts";
import { type Principal, requireAllFunctions } from "../../http/access/principal.ts";
import { clientSignal } from "../../http/client-signal.ts";
import { requireHeaderRoom } from "../../http/request-problems.ts";
import type { HttpTrigger } from "../../platform/flows/definition/definition.ts";
import { Problem } from "../../platform/problems.ts";
import { newCallId } from "../../store/call-id.ts";
import { acknowledge, runFailed, sendOutput } from "./answers.ts";
import type { IntakeParts } from "./intake-parts.ts";
import type { FlowTarget } from "./target.ts";
import { pathBelow, triggerRequest } from "./trigger-request.ts";

/** Answers requests at the HTTP triggers of flows. */
export class HttpRequests {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** @throws Problem for what begins no run, and `run_failed` */
  async answer(request: IncomingMessage, response: ServerResponse, target: FlowTarget): Promise<void> {
    const { services, inputs, beginning, outcomes } = this.#parts;
    requireHeaderRoom([request.url!, ...request.rawHeaders], services.limits);
    const flow = await services.table.find(target.flow);
    const { http } = flow.definition.on;
    const path = http && pathBelow(http.path, target.path);
    if (http === undefined || path === undefined) throw noTrigger(flow.name, http);
    refusePreflight(request);
    if (!http.methods.includes(request.method!)) return refuseMethod(request, response, http);
    const caller = this.#callerOf(request, flow.name, http);
    const identity = RequestIdentity.of(request);
    const trigger = { kind: "http", request: triggerRequest(request, path, target.query) } as const;
    const input = await inputs.read(request, flow, identity);
    const { method, headers } = request;
    const id = newCallId(services.now(), services.random);
    const beginner = {
      ...{
        id,
        flow,
        input,
        caller,
        trigger,
        identity,
        traceparent: headers.traceparent as string | undefined,
      },
      parts: [method, target.path, String(target.query), headers["content-type"] ?? ""],
    };
    const { respond, waitMs } = http;
    if (respond === undefined) {
      const begun = await beginning.begin(beginner);
      const state = begun.isNew ? "queued" : await outcomes.stateOf(begun.id);
      return acknowledge(response, flow.name, begun, state);
    }
    const wait = { respond, waitMs, signal: clientSignal(response) };
    const { run, outcome } = await outcomes.after(id, wait, () => beginning.begin(beginner));
    if (outcome.kind === "output")
      return await sendOutput(response, outcome.output, { run, services, mayBeEmpty: true });
    if (outcome.kind === "ended" && outcome.end.state !== "done") {
      throw runFailed(flow.name, run.id, outcome.end);
    }
    acknowledge(response, flow.name, run, await outcomes.stateOf(run.id));
  }

  #callerOf(request: IncomingMessage, flow: string, { access }: HttpTrigger): Principal {
    const needsKey = access === "key";
    const asked = { what: `The flow "${flow}"`, needsKey, admitsLocal: true };
    const caller = this.#parts.callers.check(request, asked, credentialsOf(request));
    if (needsKey) requireAllFunctions(caller);
    return caller;
  }
}

/** Pages of other origins get what browsers do not ask about first, as at /async. */
function refusePreflight({ method, headers }: IncomingMessage): void {
  if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return;
  const detail =
    "Pages of other origins cannot begin runs with requests that browsers ask about first: call from a page of this origin or from a program.";
  throw new Problem("forbidden", detail);
}

function refuseMethod({ method }: IncomingMessage, response: ServerResponse, http: HttpTrigger): void {
  const allowed = http.methods.join(", ");
  response.setHeader("allow", allowed);
  if (method !== "OPTIONS") {
    throw new Problem("method_not_allowed", `The flow answers ${allowed} here, not ${method}.`);
  }
  response.writeHead(204).end();
}

function noTrigger(flow: string, http: HttpTrigger | undefined): Problem {
  const detail =
    http === undefined
      ? `The flow "${flow}" has no HTTP trigger: add on: {http: true} to its text, or POST /flow/${flow}/run.`
      : `The HTTP trigger of the flow "${flow}" is at /flow/${flow}/http${http.path === "/" ? "" : http.path}.`;
  return new Problem("unknown_route", detail);
}
