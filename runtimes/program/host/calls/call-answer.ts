import type { IncomingMessage, ServerResponse } from "node:http";
import { CgiHeadReader, InvalidHead } from "./cgi-head.ts";
import { typeOf } from "./output-type.ts";
import { type Failure, problemAnswer } from "./problem-answers.ts";

const EXIT_CODE = "skiff-exit-code";
const ERROR = "skiff-error";
/** Statuses without a body (RFC 9110, section 6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** The answer of a program to one call. Its head is sent with the first byte of output, or at the end. */
export class CallAnswer {
  readonly #response: ServerResponse;
  readonly #callId: string;
  readonly #isHead: boolean;
  #head: CgiHeadReader | undefined;
  #hasBody = true;

  constructor(
    { method }: IncomingMessage,
    response: ServerResponse,
    options: { callId: string; cgi: boolean },
  ) {
    this.#response = response;
    this.#callId = options.callId;
    this.#isHead = method === "HEAD";
    this.#head = options.cgi ? new CgiHeadReader() : undefined;
  }

  /** True once the client gets what the program writes. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** Takes output. Returns false if it must wait for `drain` of the response. @throws InvalidHead */
  write(chunk: Buffer): boolean {
    if (this.hasBegun) return this.#send(chunk);
    if (!this.#head) {
      this.#begin(200, ["content-type", typeOf(chunk)]);
      return this.#send(chunk);
    }
    const read = this.#head.take(chunk);
    if (!read) return true;
    const { status, fields } = read.head;
    const isTyped = fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === "content-type");
    const type = isTyped || read.rest.length === 0 ? [] : ["content-type", typeOf(read.rest)];
    this.#begin(status, [...fields, ...type]);
    return read.rest.length === 0 || this.#send(read.rest);
  }

  /** Ends the answer of a program that exited with code 0. @throws InvalidHead */
  succeed(): void {
    if (this.hasBegun) {
      this.#endWith({ [EXIT_CODE]: "0" });
      return;
    }
    if (this.#head && !this.#head.isEmpty) throw new InvalidHead("has no empty line");
    this.#response.writeHead(200, { "content-length": "0" }).end();
  }

  /** Ends the answer with a problem document, or with trailers if it has begun. */
  fail(failure: Failure): void {
    if (this.hasBegun) {
      const { exitCode, code } = failure;
      const error = code === "call_timeout" ? "timeout" : code;
      this.#endWith({ ...(exitCode === undefined ? {} : { [EXIT_CODE]: String(exitCode) }), [ERROR]: error });
      return;
    }
    const { status, headers, body } = problemAnswer(failure, this.#callId);
    this.#response.writeHead(status, headers).end(body);
  }

  #begin(status: number, fields: string[]): void {
    this.#hasBody = !this.#isHead && !BODILESS.has(status);
    // The connection may be one of HTTP/1.0, which has no trailers.
    const trailers = this.#hasBody && this.#response.useChunkedEncodingByDefault;
    this.#response.writeHead(status, [...fields, ...(trailers ? ["trailer", `${EXIT_CODE}, ${ERROR}`] : [])]);
    this.#response.flushHeaders();
  }

  #send(chunk: Buffer): boolean {
    return !this.#hasBody || this.#response.write(chunk);
  }

  #endWith(trailers: Record<string, string>): void {
    if (this.#hasBody && this.#response.useChunkedEncodingByDefault) this.#response.addTrailers(trailers);
    this.#response.end();
  }
}
