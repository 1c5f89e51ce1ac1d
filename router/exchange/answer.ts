import type { Socket } from "node:net";
import { PROBLEMS, type Problem, problemDocument, problemHeaders } from "../../platform/problems.ts";
import type { ClientResponse } from "./response.ts";

const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Answers a call with a problem document. The response must not have begun. */
export function answerProblem(response: ClientResponse, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  response.writeHead({ status: problem.status, headers: Object.entries(headers).flat() }, []);
  response.end(body);
}

/** Answers on a connection without a response object (malformed request, CONNECT) and closes it. */
export function answerRaw(socket: Socket, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  headers.connection = "close";
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { title } = PROBLEMS[problem.code];
  // Node has removed its listeners, and an error without a listener ends the process.
  socket.on("error", () => {});
  socket.write(`HTTP/1.1 ${problem.status} ${title}\r\n${fields.join("")}\r\n${body}`, "latin1");
  // The client may still be sending, and the server keeps connections half open.
  socket.destroySoon();
}

/** Renders the document as one character per byte. */
function render(problem: Problem, callId: string) {
  const headers = problemHeaders(problem, callId);
  const body = Buffer.from(`${JSON.stringify(problemDocument(problem, callId))}\n`).toString("latin1");
  headers["content-length"] = String(body.length);
  if (problem.code === "method_not_allowed") headers.allow = ALLOW;
  return { headers, body };
}
