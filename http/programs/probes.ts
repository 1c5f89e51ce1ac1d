import type { IncomingMessage, ServerResponse } from "node:http";

export interface ProbesOptions {
  /** Returns undefined if the program is ready, or the reason why not. */
  readonly ready: () => string | undefined;
  /** Returns the text for Prometheus. */
  readonly metrics: () => Promise<string>;
}

/** Answers probes and scrapes of an internal port. False for every other request. */
export function answerProbe(
  { ready, metrics }: ProbesOptions,
  { url = "/" }: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (url === "/healthz") answerText(response, 200, "ok\n");
  else if (url === "/readyz") {
    const reason = ready();
    answerText(response, reason === undefined ? 200 : 503, `${reason ?? "ready"}\n`);
  } else if (url === "/metrics") {
    void metrics().then(
      (text) =>
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text),
      (error: Error) => answerText(response, 500, `${error.message}\n`),
    );
  } else return false;
  return true;
}

export function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}
