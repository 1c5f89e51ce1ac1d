import type { IncomingMessage, ServerResponse } from "node:http";
import { endToEndFields, forward, type Upstream } from "./forward.ts";

export interface PassOnOptions {
  /** Where the management API is. */
  readonly to: Upstream;
  /** Name in lower case and value of a field that is set, whatever the client sent. */
  readonly field: (request: IncomingMessage) => readonly [name: string, value: string];
}

/**
 * Returns a handler that forwards requests to the management API of another process. Every other field is forwarded
 * unchanged and as often as it was sent, because the server behind it decides about access.
 */
export function passOn({ to, field }: PassOnOptions) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const set = field(request);
    const fields = [...endToEndFields(request, (name) => name === set[0]), ...set];
    forward(request, response, { to, head: { method: request.method!, path: request.url!, fields } });
  };
}
