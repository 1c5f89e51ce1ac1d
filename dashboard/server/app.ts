import type { IncomingMessage, ServerResponse } from "node:http";
import { discardBody } from "../../http/discard-body.ts";
import { answerError } from "../../http/problem-answer.ts";
import { Problem } from "../../platform/problems.ts";
import type { DashboardOptions } from "./options.ts";
import { answerPages } from "./pages/pages.ts";
import { requireOwnOrigin } from "./policy/origin.ts";
import { protect } from "./policy/protection.ts";
import { CredentialCheck } from "./relay/credential.ts";
import { relayApi } from "./relay/relay.ts";
import { relayTry } from "./relay/try-call.ts";
import { pathOf, type RequestHandler, type Route } from "./route.ts";
import { answerSession } from "./session/session.ts";

/** Creates the request handler of the dashboard. */
export function createApp(options: DashboardOptions): RequestHandler {
  const { print } = options;
  const credentials = new CredentialCheck(options);
  const api = relayApi(options, credentials);
  const attempt = relayTry(options, credentials);
  const session = answerSession(options);
  const pages = answerPages(options);
  const routeOf = (path: string): Route => {
    if (path === "/api" || path.startsWith("/api/")) return api;
    if (path === "/try") return attempt;
    return path === "/session" || path.startsWith("/session/") ? session : pages;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    protect(response);
    requireOwnOrigin(request, options);
    const target = request.url!;
    if (!target.startsWith("/")) {
      throw new Problem("invalid_request", "The request target must be a path that starts with /.");
    }
    await routeOf(pathOf(target))(request, response);
  };
  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.once("close", () => discardBody(request));
      answerError(response, error, print);
    });
  };
}
