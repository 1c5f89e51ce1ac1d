import type { Socket } from "node:net";
import type { CallRequest } from "./request.ts";

/**
 * The client's side of a call, as far as calls use it: node's `ServerResponse`, or `PlainResponse`. What is not said here
 * is as node's documentation has it.
 */
export interface CallResponse {
  readonly req: Pick<CallRequest, "httpVersionMinor">;
  /** Matters until the head is written. */
  shouldKeepAlive: boolean;
  readonly statusCode: number;
  readonly headersSent: boolean;
  /** It is over: everything is out, or the connection is gone. */
  readonly destroyed: boolean;
  /** Null while answers to requests before it on its connection are due. */
  readonly socket?: Socket | null;
  /** Everything has been given to the system. */
  readonly writableFinished: boolean;
  /** @param headers names and values in turn */
  writeInformation(status: number, headers: readonly string[]): unknown;
  writeHead(status: number, headers: string[]): unknown;
  flushHeaders(): void;
  /** False: `drain` comes when more may be written. */
  write(part: Buffer): boolean;
  /** Sent only where the body goes in chunks. */
  addTrailers(fields: [name: string, value: string][]): void;
  end(): unknown;
  end(body: Buffer): unknown;
  end(body: string, encoding: "latin1"): unknown;
  on(event: "close", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
}
