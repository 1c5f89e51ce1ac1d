import type { Socket } from "node:net";
import { PROBLEMS, type Problem, problemDocument, problemHeaders } from "../../platform/problems.ts";
import type { CallResponse } from "./response.ts";

const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Answers a call with a problem document. The response must not have begun. */
export function answerProblem(response: CallResponse, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  const bytes = Buffer.from(body);
  headers["content-length"] = String(bytes.length);
  response.writeHead(problem.status, Object.entries(headers).flat());
  response.end(bytes.toString("latin1"), "latin1");
}

/** Answers on a connection that has no response object (a malformed request, CONNECT) and ends it. */
export function answerRaw(socket: Socket, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  headers["content-length"] = String(Buffer.byteLength(body));
  headers.connection = "close";
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { title } = PROBLEMS[problem.code];
  // Node has let go of a connection that it passes on: an error that nobody hears would end the process.
  socket.on("error", () => {});
  socket.write(`HTTP/1.1 ${problem.status} ${title}\r\n${fields.join("")}\r\n${body}`);
  // The client may still be sending, and the server keeps connections half open.
  socket.destroySoon();
}

function render(problem: Problem, callId: string) {
  const headers = problemHeaders(problem, callId);
  if (problem.code === "method_not_allowed") headers.allow = ALLOW;
  return { headers, body: `${JSON.stringify(problemDocument(problem, callId))}\n` };
}
