/**
 * Serves a handler `(event, context)` as Kubeless has them: `node adapter.mjs FILE FUNCTION`. It listens on the Unix socket
 * $SOCKET, or on $PORT.
 */
import { resolve } from "node:path";
import { argv, env, exit, version } from "node:process";
import { pathToFileURL } from "node:url";

const [, , file = "", name = ""] = argv;
const CALL_ID = "x-skiff-call-id";
const PROBE_HEADER = "x-skiff-probe";

const context = {
  "function-name": name,
  timeout: env.FUNC_TIMEOUT ?? "",
  runtime: `nodejs${/\d+/.exec(version)}`,
  "memory-limit": env.FUNC_MEMORY_LIMIT ?? "",
};

/** CommonJS has its exports in `default`, and by name where Node finds the names. */
async function loadHandler() {
  const module = await import(pathToFileURL(resolve(file)).href);
  const handler = module[name] ?? module.default?.[name] ?? (name === "default" ? module.default : undefined);
  if (typeof handler === "function") return handler;
  const known = [...new Set([...Object.keys(module), ...Object.keys(module.default ?? {})])].join(", ");
  throw new Error(`${file} exports no function "${name}"; it exports ${known || "nothing"}`);
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Parsed if it says that it is JSON, else text, or the bytes if they are no text. */
function dataOf(body, type) {
  if (body.length === 0) return "";
  if (/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) return JSON.parse(body.toString());
  const text = body.toString();
  return text.includes("\ufffd") && !body.equals(Buffer.from(text)) ? body : text;
}

function eventOf(request, response, body) {
  const { headers } = request;
  const type = headers["content-type"] ?? "";
  return {
    data: dataOf(body, type),
    "event-id": headers["event-id"] ?? headers["ce-id"] ?? headers[CALL_ID],
    "event-type": headers["event-type"] ?? headers["ce-type"] ?? type,
    "event-time": headers["event-time"] ?? headers["ce-time"] ?? new Date().toISOString(),
    "event-namespace": headers["event-namespace"] ?? headers["ce-source"] ?? "",
    extensions: { request, response },
  };
}

/** Adds what handlers use of Express. */
function extend(request, response, body) {
  const url = new URL(request.url, "http://localhost");
  const get = (field) => request.headers[field.toLowerCase()];
  Object.assign(request, { body, path: url.pathname, query: Object.fromEntries(url.searchParams), get });
  const status = (code) => Object.assign(response, { statusCode: code });
  const set = (field, value) => response.setHeader(field, value);
  Object.assign(response, {
    status,
    set,
    send: (value) => sendResult(response, value),
    json: (value) => sendJson(response, value),
  });
}

function sendJson(response, value) {
  if (!response.hasHeader("content-type")) response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function sendResult(response, result) {
  if (response.headersSent || response.writableEnded) return;
  if (result === undefined || result === null) response.end();
  else if (typeof result === "string" || result instanceof Uint8Array) {
    const isText = typeof result === "string";
    if (!response.hasHeader("content-type")) {
      response.setHeader("content-type", isText ? "text/plain; charset=utf-8" : "application/octet-stream");
    }
    response.end(result);
  } else sendJson(response, result);
}

/** The same document as that of a program that fails. */
function sendError(request, response, error) {
  console.error(error);
  if (response.headersSent) return response.destroy();
  const id = request.headers[CALL_ID];
  const detail = `The handler "${name}" threw an error: ${error?.message ?? error}`.slice(0, 1_000);
  const problem = {
    type: "https://skiff.dev/problems/program_failed",
    title: "The program failed",
    status: 500,
    code: "program_failed",
    detail,
  };
  for (const field of response.getHeaderNames()) response.removeHeader(field);
  response.writeHead(500, { "content-type": "application/problem+json", "x-skiff-error": "platform" });
  response.end(JSON.stringify({ ...problem, ...(id === undefined ? {} : { callId: id }) }));
}

async function main() {
  const handler = await loadHandler();
  // An import of it loads Node's client for fetch too, which doubles the time of the start.
  const http = process.getBuiltinModule("node:http");
  const server = http.createServer(async (request, response) => {
    // Skiff asks whether the instance answers. Clients cannot send the field.
    if (request.headers[PROBE_HEADER] !== undefined) return response.writeHead(204).end();
    try {
      const body = await readBody(request);
      extend(request, response, body);
      sendResult(response, await handler(eventOf(request, response, body), context));
    } catch (error) {
      sendError(request, response, error);
    }
  });
  server.requestTimeout = 0;
  server.listen(env.SOCKET || Number(env.PORT || 8080));
  process.once("SIGTERM", () => server.close(() => exit(0)));
}

main().catch((error) => {
  console.error(error);
  exit(1);
});
