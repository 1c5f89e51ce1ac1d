import { request, type SendOptions } from "./client.ts";

/** One event of a stream of server-sent events (HTML, section 9.2). */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events until the stream ends. To go on after a break, send `last-event-id`. */
export async function* serverSentEvents(
  path: string,
  options: SendOptions = {},
): AsyncGenerator<ServerSentEvent> {
  const headers = { ...options.headers, accept: "text/event-stream" };
  const response = await request("GET", path, { ...options, headers });
  let [id, event, data]: [string | undefined, string, string[]] = [undefined, "message", []];
  for await (const line of linesOf(response.body!)) {
    if (line === "") {
      if (data.length > 0) yield { ...(id === undefined ? {} : { id }), event, data: data.join("\n") };
      [event, data] = ["message", []];
      continue;
    }
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
