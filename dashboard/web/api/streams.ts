import { request, type SendOptions } from "./client.ts";
import { unreachable } from "./problem.ts";

/** One event of a stream of server-sent events (HTML, section 9.2). */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

export interface EventOptions extends SendOptions {
  /** Called when the stream is open, also while it has no event. */
  readonly onOpen?: () => void;
}

/** The API sends a sign of life every 15 s. */
const QUIET_MS = 45_000;

/**
 * Reads server-sent events until the stream ends, and breaks off when it is silent for too long. To go on after a break, send
 * `last-event-id`.
 */
export async function* serverSentEvents(
  path: string,
  { onOpen, ...options }: EventOptions = {},
): AsyncGenerator<ServerSentEvent> {
  const headers = { ...options.headers, accept: "text/event-stream" };
  const quiet = new AbortController();
  const signal =
    options.signal === undefined ? quiet.signal : AbortSignal.any([options.signal, quiet.signal]);
  const heard = () => setTimeout(() => quiet.abort(), QUIET_MS);
  let timer = heard();
  try {
    const response = await request("GET", path, { ...options, headers, signal });
    onOpen?.();
    for await (const event of eventsOf(response.body!)) {
      clearTimeout(timer);
      timer = heard();
      if (event !== undefined) yield event;
    }
  } catch (error) {
    throw quiet.signal.aborted ? unreachable(new Error("the stream was silent")) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Yields undefined for lines that are no event, such as signs of life. */
async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ServerSentEvent | undefined> {
  let [id, event, data]: [string | undefined, string, string[]] = [undefined, "message", []];
  for await (const line of linesOf(body)) {
    if (line === "") {
      if (data.length > 0) yield { ...(id === undefined ? {} : { id }), event, data: data.join("\n") };
      [event, data] = ["message", []];
      continue;
    }
    if (line.startsWith(":")) yield undefined;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
}

/** Reads one JSON value per line until the stream ends. */
export async function* jsonLines<T>(path: string, options: SendOptions = {}): AsyncGenerator<T> {
  const headers = { ...options.headers, accept: "application/x-ndjson" };
  const response = await request("GET", path, { ...options, headers });
  for await (const line of linesOf(response.body!)) if (line !== "") yield JSON.parse(line) as T;
}

/** Cuts a stream of bytes into lines without their ends. */
export async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split(/\r?\n/);
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    // The reader of a stream that nobody follows any more.
    await reader.cancel();
  }
}

/** The beginning of a stream as text. The rest is cancelled. */
export async function readStart(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  mostBytes: number,
): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = mostBytes;
  try {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.length;
    }
    return text;
  } finally {
    await reader.cancel();
  }
}
