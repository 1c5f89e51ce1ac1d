import type { CallResponse } from "../exchange/response.ts";
import { PlainResponse } from "../fast-path/plain-response.ts";
import type { UpstreamConnection, UpstreamSink } from "../upstream/connection.ts";
import type { ResponseHead } from "../upstream/response-head.ts";
import { Announcements } from "./announcements.ts";
import { flushHead } from "./flush-head.ts";

/** A body up to this size is written in one string with its head: one buffer, one system call. */
const SMALL_BYTES = 4 * 1024;

export interface RelayOwner {
  /** Value of `Server-Timing` for a call that had to wait for an instance to start; undefined for others. */
  timing(): string | undefined;
  /** The head of the response is on its way to the client, and its body is not all here yet. */
  streamStarted(): void;
  /** Something moved towards the client. */
  progressed(): void;
  /** The instance is done with this call. */
  responseEnded(): void;
  /** The instance broke the call off, or did not take it: then `isStarted` is false, and no byte has reached it. */
  failed(error: Error, isStarted: boolean): void;
}

/** One response on its way from an instance to the client, with back-pressure. */
export class Relay implements UpstreamSink {
  /** Set by who sends the call. */
  connection: UpstreamConnection | undefined;
  readonly #owner: RelayOwner;
  readonly #response: CallResponse;
  readonly #callId: string;
  #isStarted = false;
  #announcements: Announcements | undefined;
  #head: ResponseHead | undefined;
  /** What the client is told besides the fields of the instance: names and values in turn. */
  #own: string[] = [];
  /** The first part of the body, held back until all that was read is here: most responses end in it. */
  #held: Buffer | undefined;
  #drains = false;

  constructor(owner: RelayOwner, response: CallResponse, callId: string) {
    this.#owner = owner;
    this.#response = response;
    this.#callId = callId;
  }

  /** A stream of server-sent events has begun: it has no end of its own, and its client comes back after each. */
  get isEventStream(): boolean {
    const headers = this.#head?.headers ?? [];
    // The values in between may be names of fields as well: Access-Control-Allow-Headers has such.
    const at = headers.findIndex((text, index) => index % 2 === 0 && text === "content-type");
    return this.#response.headersSent && at >= 0 && /^text\/event-stream\b/i.test(headers[at + 1]!);
  }

  onStart(): void {
    this.#isStarted = true;
  }

  /** What it throws breaks the connection to the instance off, and comes back through onError. */
  onInformation({ status, headers }: ResponseHead): void {
    this.#announcements ??= new Announcements(this.#response);
    this.#announcements.pass(status, headers);
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
    const timing = this.#owner.timing();
    this.#own = ["x-skiff-call-id", this.#callId];
    if (timing !== undefined) this.#own.push("server-timing", timing);
  }

  onData(part: Buffer): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (!response.headersSent) {
      if (this.#held === undefined) {
        this.#held = part;
        return;
      }
      this.#sendHead();
    }
    this.#owner.progressed();
    this.#write(part);
  }

  onReadEnd(): void {
    if (this.#head !== undefined && !this.#response.headersSent) this.#sendHead();
  }

  onEnd(trailers: readonly string[]): void {
    const response = this.#response;
    this.#owner.responseEnded();
    if (response.destroyed) return;
    const body = response.headersSent ? undefined : this.#held;
    if (!response.headersSent) this.#writeHead();
    if (trailers.length > 0) response.addTrailers(pairs(trailers));
    if (body === undefined) response.end();
    else if (body.length <= SMALL_BYTES) response.end(body.toString("latin1"), "latin1");
    else response.end(Buffer.from(body));
  }

  onError(error: Error): void {
    this.#owner.failed(error, this.#isStarted);
  }

  /** Breaks the call off; nothing more comes from it. */
  abort(): void {
    this.connection?.abort(this);
  }

  /** Sends the head and what is held back of the body. */
  #sendHead(): void {
    const response = this.#response;
    if (response.destroyed) return;
    this.#owner.streamStarted();
    this.#writeHead();
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) flushHead(response);
    else this.#write(held);
  }

  #writeHead(): void {
    const response = this.#response;
    const head = this.#head!;
    if (response instanceof PlainResponse) response.writeHeadOf(head, this.#own);
    else {
      response.writeHead(head.status, [...head.headers, ...this.#own]);
      // While answers before it are due, node puts a head that goes with a buffer before everything else that waits
      // to be written: 1xx would become part of the body.
      if (response.socket === null) flushHead(response);
    }
  }

  /** What is read is overwritten by the next read, and the client may take its time. */
  #write(part: Buffer): void {
    if (!this.#response.write(Buffer.from(part))) this.#pause();
  }

  #pause(): void {
    this.connection?.pause(this);
    if (this.#drains) return;
    this.#drains = true;
    this.#response.once("drain", () => {
      this.#drains = false;
      this.#owner.progressed();
      this.connection?.resume(this);
    });
  }
}

function pairs(fields: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i]!, fields[i + 1]!]);
  return list;
}
