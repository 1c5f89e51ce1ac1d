import type { CorpusRequest } from "./entry.ts";

/** The part of an answer that is compared. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const COMPARED =
  /^(content-type|content-encoding|content-language|location|set-cookie|etag|cache-control|allow|link|access-control-.*|x-.*)$/;
/** Skiff adds these. */
const OWN = /^x-skiff-/;
const ANSWER_MS = 20_000;

/** Sends the requests one after the other to a server, below a path. */
export async function answersOf(base: string, requests: readonly CorpusRequest[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const request of requests) answers.push(await send(base, request));
  return answers;
}

async function send(base: string, { method, path, body, headers }: CorpusRequest): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const { host } = new URL(base);
  if (method === "WS") {
    return { status: 101, headers: {}, body: await firstMessage(base + path, body ?? "", signal) };
  }
  const init = {
    method,
    headers,
    redirect: "manual",
    signal,
    ...(body === undefined ? {} : { body }),
  } as const;
  const response = await fetch(base + path, init);
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  const isText = Buffer.from(text).equals(bytes);
  const neutral = (value: string) => value.replaceAll(host, "HOST");
  const kept = [...response.headers].filter(([name]) => COMPARED.test(name) && !OWN.test(name));
  // Skiff answers for a function that throws with a problem document, Deno with a text.
  if (response.status === 500) return { status: 500, headers: {}, body: "" };
  return {
    status: response.status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, neutral(value)])),
    body: neutral(isText ? text : bytes.toString("base64")),
  };
}

function firstMessage(url: string, message: string, signal: AbortSignal): Promise<string> {
  const socket = new WebSocket(url.replace("http", "ws"));
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    socket.addEventListener("open", () => socket.send(message));
    socket.addEventListener("message", ({ data }) => resolve(String(data)));
    socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
  }).finally(() => socket.close());
}
