import { setTimeout } from "node:timers/promises";
import type { Api, Query } from "./api.ts";
import { Unreachable } from "./http.ts";
import { ApiProblem } from "./problem.ts";

/** One entry of a log, as the API sends it. */
export interface LogLine {
  readonly at: string;
  readonly version?: number;
  readonly instance: string;
  readonly stream: string;
  readonly level?: string;
  readonly callId?: string;
  readonly status?: number;
  readonly text: string;
  readonly id?: string;
}

/** The API sends a sign of life every 15 s. */
const QUIET_MS = 45_000;
const RETRY_MS = 1_000;
const READ_MS = 5 * 60_000;

/** Reads the lines that are there, at a path of the API that has such lines. */
export async function* readLines<Line = LogLine>(api: Api, path: string, query: Query): AsyncGenerator<Line> {
  const { body } = await api.open(path, {
    query,
    headers: { accept: "application/x-ndjson" },
    signal: AbortSignal.timeout(READ_MS),
  });
  for await (const text of textLines(body)) if (text !== "") yield JSON.parse(text) as Line;
}

export interface Following {
  readonly signal: AbortSignal;
  /** Called once when the connection is lost, until lines arrive again. */
  readonly onLost: (error: Error) => void;
}

/**
 * Follows the lines at a path until `signal`, or until the path is gone. After a lost connection it goes on behind the last
 * line, so that none is missing.
 */
export async function* followLines<Line = LogLine>(
  api: Api,
  path: string,
  query: Query,
  { signal, onLost }: Following,
): AsyncGenerator<Line> {
  let after: string | undefined;
  let [isLost, wasOpen] = [false, false];
  while (!signal.aborted) {
    const started = performance.now();
    try {
      // Behind a line that is known, `tail` has no meaning.
      for await (const { id = after, line } of events<Line>(api, path, { query, after, signal })) {
        after = id;
        [isLost, wasOpen] = [false, true];
        if (line) yield line;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!wasOpen || !mayPass(error)) throw error;
      if (!isLost) onLost(error);
      isLost = true;
    }
    const pauseMs = RETRY_MS - (performance.now() - started);
    if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}

interface Connection {
  readonly query: Query;
  readonly after: string | undefined;
  readonly signal: AbortSignal;
}

/** An event can move the position alone. */
interface LineEvent<Line> {
  readonly id?: string;
  readonly line?: Line;
}

async function* events<Line>(
  api: Api,
  path: string,
  { query, after, signal }: Connection,
): AsyncGenerator<LineEvent<Line>> {
  const quiet = new AbortController();
  const timer = globalThis.setTimeout(() => quiet.abort(), QUIET_MS);
  try {
    const { body } = await api.open(path, {
      query: { ...query, follow: true },
      headers: { accept: "text/event-stream", ...(after === undefined ? {} : { "last-event-id": after }) },
      signal: AbortSignal.any([signal, quiet.signal]),
    });
    // An event counts when it is complete: its id comes before its data.
    let event: { id?: string; line?: Line } = {};
    for await (const text of textLines(body)) {
      timer.refresh();
      if (text.startsWith("id: ")) event.id = text.slice(4);
      else if (text.startsWith("data: ")) event.line = JSON.parse(text.slice(6)) as Line;
      else if (text === "") {
        yield event;
        event = {};
      }
    }
  } catch (error) {
    if (quiet.signal.aborted || isBroken(error))
      throw new Unreachable(api.place.url, "the connection was lost");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether it is over when Skiff, or what is in front of it, works again. */
function mayPass(error: unknown): error is Error {
  return error instanceof Unreachable || (error instanceof ApiProblem && error.status >= 500);
}

function isBroken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

async function* textLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
