import type { IncomingMessage } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type CgiHead, readCgiHead } from "./cgi-head.ts";
import { type OnSlow, watchBody } from "./client-pace.ts";
import type { GitProgram, StartedGit } from "./git-program.ts";

/** The services of the smart protocol. */
export type GitService = "git-upload-pack" | "git-receive-pack";

/** A quarantine has the repository as an alternate, whose refs git knows already. It would list them by another process. */
const OF_PUSHES = { "core.alternateRefsCommand": "true" };

export interface BackendRequest {
  /** Path of `git-http-backend`. */
  readonly backend: string;
  readonly repository: string;
  /** What follows the repository in the path, such as `info/refs`. */
  readonly path: string;
  readonly query: string;
  readonly request: IncomingMessage;
  /** Who it is from, for the log of refs. */
  readonly by: string;
  /** The folder of hooks; absent: none runs. */
  readonly hooks?: string;
  /** Is called when the body arrives too slowly. */
  readonly onSlow: OnSlow;
  readonly signal: AbortSignal;
}

export interface BackendAnswer extends CgiHead {
  readonly body: Readable;
  readonly started: StartedGit;
}

/**
 * Serves a request by `git http-backend` (git-http-backend(1)), both ways as it comes.
 * @throws Error if it ends without an answer; the reason of the signal
 */
export async function serveBackend(git: GitProgram, options: BackendRequest): Promise<BackendAnswer> {
  const { backend, repository, path, query, request, by, hooks, onSlow, signal } = options;
  const { headers, method = "GET" } = request;
  const protocol = /^[a-z0-9=:]{1,40}$/.exec(String(headers["git-protocol"] ?? ""))?.[0];
  const isGzip = headers["content-encoding"] === "gzip";
  const started = git.start([], {
    program: backend,
    repository,
    signal,
    hasChannel: hooks !== undefined,
    ...(hooks === undefined ? {} : { config: { "core.hooksPath": hooks, ...OF_PUSHES } }),
    env: {
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_TRANSLATED: `${repository}/${path}`,
      REQUEST_METHOD: method,
      QUERY_STRING: query,
      CONTENT_TYPE: headers["content-type"] ?? "",
      ...(headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: headers["content-length"] }),
      ...(isGzip ? { HTTP_CONTENT_ENCODING: "gzip" } : {}),
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol, HTTP_GIT_PROTOCOL: protocol }),
      REMOTE_USER: by,
      REMOTE_ADDR: "",
    },
  });
  request.pipe(started.stdin);
  watchBody(request, started.stdin, { onSlow });
  // Git may answer before it has read all. The connection stays, so that the client reads the answer.
  started.stdin.once("close", () => request.unpipe(started.stdin));
  try {
    const head = await readCgiHead(started.stdout);
    const body = new PassThrough();
    pipeline(started.stdout, body).catch(() => {});
    return { ...head, body, started };
  } catch (error) {
    started.stdout.resume();
    await started.ended;
    throw error;
  }
}
