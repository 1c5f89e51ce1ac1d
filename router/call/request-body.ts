import type { Socket } from "node:net";
import { connectionNames } from "../../http/fields.ts";
import type { BodySink, IncomingBody } from "../exchange/incoming-body.ts";
import { passes, renderFields, TEXT_BYTES } from "../exchange/request-head.ts";
import type { Sending, UpstreamBody } from "../upstream/connection.ts";

/**
 * Longest body that is kept until the instance answers, in bytes: an instance without a place has read none
 * of it. The router reserves a place for calls with longer bodies, and for bodies of unknown length.
 */
const KEPT_BYTES = 64 * 1024;

export interface BodyOwner {
  /** The most bytes of a body; nothing beyond them is sent. */
  readonly bodyLimit: number;
  /** The Connection field of the request. */
  readonly connection: string | undefined;
  /** Called when the body is sent to an instance and has not arrived whole, also for another instance. */
  bodyStarted(): void;
  progressed(): void;
  /** Called at the end of a body that did not arrive whole. */
  bodyEnded(): void;
  bodyTooLarge(): void;
  bodyBroken(reason: string): void;
}

/** Passes the body of a call to an instance, with back-pressure. */
export class RequestBody implements UpstreamBody, BodySink {
  /** The body can be sent to another instance, until an instance answers. */
  readonly isRepeatable: boolean;
  /** Bytes that have arrived. */
  bytes = 0;
  isSent = false;
  /** The instance does not read: the client did not cause the pause. */
  isStalled = false;
  readonly #incoming: IncomingBody;
  readonly #owner: BodyOwner;
  /** The parts that arrived, as long as they may have to be sent again. */
  #kept: Buffer[] | undefined = [];
  #trailers: readonly string[] | undefined;
  #socket: Socket | undefined;
  #sending: Sending | undefined;
  #isStarted = false;
  #isUploading = false;
  /** Not written yet. It begins with the head, so that a body that is malformed at once reaches no instance. */
  #text = "";
  #isDue = false;

  constructor(incoming: IncomingBody, owner: BodyOwner) {
    this.#incoming = incoming;
    this.#owner = owner;
    this.isRepeatable = incoming.length !== undefined && incoming.length <= KEPT_BYTES;
    incoming.open(this);
  }

  get isComplete(): boolean {
    return this.#incoming.isComplete;
  }

  sendTo(socket: Socket, text: string, sending: Sending): void {
    this.#socket = socket;
    this.#sending = sending;
    this.#isStarted = false;
    this.isSent = false;
    this.isStalled = false;
    this.#text = `${text}${this.#incoming.isChunked ? "transfer-encoding: chunked\r\n" : ""}\r\n`;
    for (const part of this.#kept ?? []) this.#add(part);
    if (this.#trailers !== undefined) this.#addEnd(this.#trailers);
    this.#flush();
    // The first write may have failed.
    if (this.isSent || this.#socket === undefined) return;
    if (!this.#incoming.isComplete) {
      this.#isUploading = true;
      this.#owner.bodyStarted();
    }
    this.drained();
  }

  /** The instance has answered: the body is not sent again. */
  accepted(): void {
    if (this.#isStarted) this.#kept = undefined;
  }

  stop(): void {
    this.#incoming.pause();
    this.#socket = undefined;
    this.#sending = undefined;
  }

  drained(): void {
    if (this.#socket === undefined || this.#socket.writableNeedDrain) return;
    this.isStalled = false;
    this.#incoming.resume();
  }

  onData(part: Buffer): void {
    this.bytes += part.length;
    if (this.#isUploading) this.#owner.progressed();
    if (this.bytes > this.#owner.bodyLimit) {
      this.#owner.bodyTooLarge();
      return;
    }
    this.#kept?.push(part);
    if (this.#socket !== undefined) this.#add(part);
  }

  onReadEnd(): void {
    this.#flush();
  }

  onEnd(trailers: readonly string[]): void {
    this.#trailers = trailers;
    if (this.#isUploading) this.#owner.bodyEnded();
    this.#addEnd(trailers);
    this.#flush();
  }

  onBroken(reason: string): void {
    this.#owner.bodyBroken(reason);
  }

  #add(part: Buffer): void {
    const size = this.#incoming.isChunked ? `${part.length.toString(16)}\r\n` : "";
    // Goes with the next chunk, or with the end.
    const end = this.#incoming.isChunked ? "\r\n" : "";
    if (this.#text.length + part.length <= TEXT_BYTES) {
      this.#text += size + part.toString("latin1") + end;
      this.#isDue = true;
    } else {
      this.#write(this.#text + size, part);
      this.#text = end;
      this.#isDue = false;
    }
  }

  #addEnd(trailers: readonly string[]): void {
    if (this.#socket === undefined) return;
    if (this.#incoming.isChunked) {
      const { connection } = this.#owner;
      this.#text += `0\r\n${trailers.length === 0 ? "" : renderFields(passing(trailers, connection))}\r\n`;
    }
    this.#isDue = this.#text !== "";
    this.isSent = true;
    this.isStalled = false;
  }

  #flush(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    const text = this.#text;
    this.#text = "";
    this.#write(text);
  }

  #write(text: string, part?: Buffer): void {
    const socket = this.#socket;
    // An error may have ended the sending in between.
    if (socket === undefined) return;
    let goesOn: boolean;
    if (part === undefined) goesOn = socket.write(text, "latin1");
    else {
      socket.cork();
      if (text !== "") socket.write(text, "latin1");
      goesOn = socket.write(part);
      socket.uncork();
    }
    if (!this.#isStarted) {
      const sending = this.#sending!;
      // Nothing was written if the first write failed. What was kept is sent to another instance.
      if (socket.errored !== null) {
        this.stop();
        sending.onFailure(socket.errored);
        return;
      }
      this.#isStarted = true;
      if (!this.isRepeatable) this.#kept = undefined;
      sending.onStart();
    }
    if (goesOn || this.isSent) return;
    this.isStalled = true;
    this.#incoming.pause();
  }
}

/**
 * Trailers that are not forwarded, besides fields that are not forwarded at all. Fields that control how a
 * request is processed come too late (RFC 9110 6.5.1), and a server that merges trailers into the headers
 * would trust them over the checked ones.
 */
const HEADER_ONLY =
  /^(?:authorization|cache-control|content-.*|cookie2?|if-.*|max-forwards|pragma|range|set-cookie|x-forwarded-.*)$/;
/** The digest of a chunked body is a trailer by design (RFC 9530). */
const CONTENT_DIGEST = "content-digest";

/** Returns the trailers of a request for the instance. */
function passing(trailers: readonly string[], connection: string | undefined): string[] {
  const named = connectionNames(connection);
  return trailers.filter((_, index) => {
    const name = trailers[index & ~1]!.toLowerCase();
    return passes(name, named) && (!HEADER_ONLY.test(name) || name === CONTENT_DIGEST);
  });
}
