import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { PlacedRequest } from "../../../client-image/places.ts";
import { CALL_ID_HEADER } from "../../../client-image/start-message.ts";

const CALL_ID = /^[\w.-]{1,64}$/;

/** One call on its way through the host. */
export class HostCall implements PlacedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: PlacedRequest["headers"];
  /** An own one if the call came from something else than a router. */
  readonly callId: string;
  /** What the client sent behind a request to upgrade its connection. */
  readonly head: Buffer;
  readonly #left = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse, head: Buffer = Buffer.alloc(0)) {
    this.head = head;
    this.request = request;
    this.response = response;
    this.headers = {
      get: (name) => {
        const value = request.headers[name];
        return typeof value === "string" ? value : null;
      },
    };
    const id = this.headers.get(CALL_ID_HEADER) ?? "";
    this.callId = CALL_ID.test(id) ? id : randomUUID();
    response.once("close", () => {
      if (!response.writableFinished) this.#left.abort();
    });
  }

  get method(): string {
    return this.request.method!;
  }

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  /** The client has disconnected. */
  get hasLeft(): boolean {
    return this.signal.aborted;
  }
}
