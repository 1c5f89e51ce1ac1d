/** Requests that begin runs: POST /flow/NAME/run, and the HTTP triggers of flows. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Uploads } from "../../calling/requests/uploads.ts";
import { Callers } from "../../http/access/callers.ts";
import { answerError } from "../../http/problem-answer.ts";
import type { FlowServices, FlowsIntake } from "../services.ts";
import { Beginning } from "./beginning.ts";
import { HttpRequests } from "./http-requests.ts";
import { Inputs } from "./inputs.ts";
import { Outcomes } from "./outcomes.ts";
import { RunRequests } from "./run-requests.ts";
import { parseFlowTarget } from "./target.ts";

export async function createIntake(services: FlowServices): Promise<FlowsIntake> {
  const { store, limits, values, inputChecks, print } = services;
  const { bodies } = store;
  const inputs = new Inputs({ bodies, uploads: new Uploads(bodies), limits, values, inputChecks });
  const outcomes = new Outcomes(services);
  const parts = {
    services,
    inputs,
    outcomes,
    beginning: new Beginning(services),
    callers: new Callers(services),
  };
  const [runs, triggers] = [new RunRequests(parts), new HttpRequests(parts)];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const target = parseFlowTarget(request.url!);
    if (target.kind === "run") await runs.answer(request, response, target);
    else await triggers.answer(request, response, target);
  };
  return {
    handler: (request, response) => {
      answer(request, response).catch((error: unknown) => answerError(response, error, print));
    },
    async close() {
      outcomes.close();
    },
  };
}
