import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type ClientRequest, createServer, type IncomingMessage, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { setPeer } from "../../http/client-address.ts";
import { discardBody } from "../../http/discard-body.ts";
import { LingeringCloses } from "../../http/lingering-close.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { answerProblem } from "../exchange/answer.ts";
import { NodeResponse, type RequestHandler } from "../server/node-calls.ts";
import { routerServerOptions } from "../server/server-options.ts";

const NAME = "management.sock";
/** Limit for the path of a Unix socket: 108 bytes on Linux and 104 on macOS, including the final NUL. */
const PATH_BYTES = 100;
/** Hop-by-hop fields (RFC 9110 7.6.1), and `expect`, which the worker has answered. */
const REQUEST_HOP = new Set(["connection", "keep-alive", "proxy-connection", "upgrade", "expect"]);
/** Carries the address of the client. A client cannot send it. */
const CLIENT = "x-skiff-client";
const RESPONSE_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/**
 * Serves the management API to workers, on a Unix socket that processes of this user reach and functions do
 * not. The access rules of the port apply.
 * @param wanted a folder for this socket alone
 */
export async function openManagementSocket(wanted: string, limits: Limits, handler: RequestHandler) {
  rmSync(wanted, { recursive: true, force: true });
  const isShort = Buffer.byteLength(join(wanted, NAME)) <= PATH_BYTES;
  if (isShort) mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const folder = isShort ? wanted : mkdtempSync(join(tmpdir(), "skiff-"));
  const path = join(folder, NAME);
  // The workers have applied the limit, and add fields.
  const headerBytes = 2 * limits.headerBytes;
  const options = routerServerOptions({ ...limits, headerBytes });
  const server = createServer(options, (request, response) => {
    setPeer(request, request.headersDistinct[CLIENT]?.[0]);
    handler(request, response);
  });
  const lingering = new LingeringCloses();
  server.on("connection", (socket) => lingering.watch(socket));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return {
    path,
    async close(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Returns a handler that forwards requests to that socket. Every field is forwarded unchanged and as often as
 * it was sent, because the server behind it decides about access. Each request has a connection of its own.
 */
export function passOn(socketPath: string): RequestHandler {
  return (request, response) => {
    const refuse = (problem: Problem) => {
      if (response.headersSent || response.destroyed) return;
      answerProblem(new NodeResponse(request, response), problem, randomUUID());
    };
    let upstream: ClientRequest | undefined;
    response.once("close", () => {
      if (response.writableFinished && request.complete) return;
      // The rest of a body is not read after the answer.
      request.unpipe();
      upstream?.destroy();
      discardBody(request);
    });
    try {
      const { method, url: path } = request;
      const headers = requestFields(request) as unknown as Record<string, string>;
      upstream = send({ socketPath, agent: false, setHost: false, method, path, headers });
    } catch (error) {
      // Node's client refuses some targets that its server accepts.
      const detail = `The request cannot be forwarded: ${(error as Error).message}.`;
      return refuse(new Problem("invalid_request", detail));
    }
    const notReady = "The management API does not answer: try again in a moment.";
    upstream.on("error", () => refuse(new Problem("not_ready", notReady, { retryAfterS: 1 })));
    upstream.once("response", (answer) => {
      if (response.destroyed) return;
      response.writeHead(answer.statusCode!, answer.statusMessage, without(answer.rawHeaders, RESPONSE_HOP));
      // Sends the head now: a client that follows a log gets it before the first line.
      response.write("", "latin1");
      pipeline(answer, response, (error) => {
        if (error) response.destroy();
      });
    });
    // Sends the fields now: the client may wait for an answer to them before it sends the body. Here and
    // above an empty write keeps their bytes; `flushHeaders` would write them as UTF-8.
    upstream.write("", "latin1");
    if (request.readableEnded) upstream.end();
    else request.pipe(upstream);
  };
}

/** Always sets a length, so that a body is never unframed, and keeps the connection until it has arrived. */
function requestFields({ rawHeaders, headers, socket }: IncomingMessage): string[] {
  const kept = without(without(rawHeaders, REQUEST_HOP), new Set([CLIENT]));
  const fields = [...kept, CLIENT, socket.remoteAddress ?? "unknown", "connection", "keep-alive"];
  const isFramed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return isFramed ? fields : [...fields, "content-length", "0"];
}

/** @param fields names and values in turn */
function without(fields: readonly string[], names: ReadonlySet<string>): string[] {
  return fields.filter((_, index) => !names.has(fields[index - (index % 2)]!.toLowerCase()));
}
