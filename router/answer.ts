import type { Duplex } from "node:stream";
import { PROBLEMS, type Problem, problemDocument, problemHeaders } from "../platform/problems.ts";
import type { CallResponse } from "./call-response.ts";

const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Answers a call with a problem document. The response must not have begun. */
export function answerProblem(response: CallResponse, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  const bytes = Buffer.from(body);
  headers["content-length"] = String(bytes.length);
  response.writeHead(problem.status, Object.entries(headers).flat());
  response.end(bytes.toString("latin1"), "latin1");
}

/** Time that a client has to take an answer after which its connection is of no more use, in milliseconds. */
const FAREWELL_MS = 1_000;

/** Answers on a connection that has no response object (a malformed request, CONNECT) and ends it. */
export function answerRaw(socket: Duplex, problem: Problem, callId: string): void {
  const { headers, body } = render(problem, callId);
  headers["content-length"] = String(Buffer.byteLength(body));
  headers.connection = "close";
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { title } = PROBLEMS[problem.code];
  // Node has let go of a connection that it passes on: an error that nobody hears would end the process.
  socket.on("error", () => {});
  // The server keeps connections half open: without this a client that never closes its side holds it for good.
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.end(`HTTP/1.1 ${problem.status} ${title}\r\n${fields.join("")}\r\n${body}`);
}

function render(problem: Problem, callId: string) {
  const headers = problemHeaders(problem, callId);
  if (problem.code === "method_not_allowed") headers.allow = ALLOW;
  return { headers, body: `${JSON.stringify(problemDocument(problem, callId))}\n` };
}
