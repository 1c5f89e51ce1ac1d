import type { ClientResponse } from "../exchange/response.ts";
import type { UpstreamConnection, UpstreamSink } from "../upstream/connection.ts";
import { MalformedResponse } from "../upstream/response-fields.ts";
import type { UpstreamHead } from "../upstream/response-head.ts";

/** Most informational responses of one call: a function that sends them without end never answers. */
const MOST_INFORMATION = 32;

export interface RelayOwner {
  readonly id: string;
  readonly response: ClientResponse;
  /** The instance has accepted the call: its body is not sent again. */
  accepted(): void;
  /** The instance has no place for the call, and has read none of its body. */
  busy(): void;
  /** Returns `Server-Timing` for a call that waited for an instance to start; undefined for others. */
  timing(): string | undefined;
  /** The instance knows nothing of places: whatever it answers is its response. */
  readonly isForeign: boolean;
  /** Fields about the quotas of the call, names and values in turn. */
  readonly quotaFields: readonly string[];
  /** The head of the response is sent, and its body is incomplete. */
  streamStarted(): void;
  /** Data moved towards the client. */
  progressed(): void;
  responseEnded(): void;
  /** The instance broke the call off. If `isStarted` is false, no byte of the call has reached it. */
  failed(error: Error, isStarted: boolean): void;
}

/** Passes one response from an instance to the client, with back-pressure. */
export class Relay implements UpstreamSink {
  /** Set by the sender of the call. */
  connection: UpstreamConnection | undefined;
  /** Called with each part of the body after it was written. */
  onPart: ((part: Buffer) => void) | undefined;
  readonly #owner: RelayOwner;
  readonly #response: ClientResponse;
  #isStarted = false;
  #information = 0;
  #head: UpstreamHead | undefined;
  /** Fields for the client besides those of the instance: names and values in turn. */
  #own: string[] = [];
  /** The response did not end in the read that its head arrived in. */
  #isStream = false;
  /** The first part of the body, until all that was read is here: most responses end in it. */
  #held: Buffer | undefined;
  #drains = false;

  constructor(owner: RelayOwner) {
    this.#owner = owner;
    this.#response = owner.response;
  }

  /** A stream of server-sent events has begun: it does not end by itself, and its client reconnects. */
  get isEventStream(): boolean {
    const headers = this.#head?.headers ?? [];
    // Values can equal names of fields: Access-Control-Allow-Headers has such.
    const at = headers.findIndex((text, index) => index % 2 === 0 && text === "content-type");
    return this.#response.headersSent && at >= 0 && /^text\/event-stream\b/i.test(headers[at + 1]!);
  }

  get isWebSocket(): boolean {
    return this.#head?.status === 101;
  }

  onStart(): void {
    this.#isStarted = true;
  }

  /** @throws MalformedResponse for too many of them; the connection then calls `onError` */
  onInformation(head: UpstreamHead): void {
    if (++this.#information > MOST_INFORMATION) {
      throw new MalformedResponse(`it sent more than ${MOST_INFORMATION} informational responses`);
    }
    const response = this.#response;
    // 100 answers the router's expectation, not the client's.
    if (head.status === 100) this.#owner.accepted();
    else if (!response.headersSent && !response.destroyed) response.writeInformation(head);
  }

  onHead(head: UpstreamHead): void {
    if (head.isBusy && !this.#owner.isForeign) {
      this.abort();
      this.#owner.busy();
      return;
    }
    this.#head = head;
    this.#owner.accepted();
    const timing = this.#owner.timing();
    this.#own = ["x-skiff-call-id", this.#owner.id];
    if (timing !== undefined) this.#own.push("server-timing", timing);
    const { quotaFields } = this.#owner;
    if (quotaFields.length > 0) this.#own.push(...quotaFields);
  }

  onData(part: Buffer): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (this.#isStream) this.#owner.progressed();
    else if (this.#held === undefined && !response.headersSent) {
      this.#held = part;
      return;
    }
    this.#sendHead();
    this.#write(part);
  }

  onReadEnd(): void {
    if (this.#head === undefined || this.#response.destroyed) return;
    if (!this.#isStream) {
      this.#isStream = true;
      this.#owner.streamStarted();
    }
    this.#sendHead();
    this.#flush();
  }

  onEnd(trailers: readonly string[]): void {
    this.#owner.responseEnded();
    if (this.#response.destroyed) return;
    this.#sendHead();
    this.#response.end(undefined, trailers);
  }

  onError(error: Error): void {
    this.#owner.failed(error, this.#isStarted);
  }

  /** Breaks the call off. None of the members is called afterwards. */
  abort(): void {
    this.connection?.abort(this);
  }

  #sendHead(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(this.#head!, this.#own);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#write(held);
  }

  #write(part: Buffer): void {
    this.#response.write(part);
    if (this.onPart === undefined) return;
    // What follows the part must not overtake it.
    this.#flush();
    this.onPart(part);
  }

  #flush(): void {
    if (!this.#response.flush()) this.#pause();
  }

  #pause(): void {
    this.connection?.pause(this);
    if (this.#drains) return;
    this.#drains = true;
    this.#response.onDrain(() => {
      this.#drains = false;
      this.#owner.progressed();
      this.connection?.resume(this);
    });
  }
}
