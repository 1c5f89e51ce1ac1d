import type { Readable } from "node:stream";
import { renderFields } from "../headers/render-fields.ts";

/** Where it goes in chunks, fields may follow it: names and values in turn, known at its end. */
export interface UpstreamBody extends Readable {
  readonly trailers?: readonly string[];
}

/** A call as an instance gets it. */
export interface UpstreamRequest {
  readonly method: string;
  /** The request line and the fields, but for what frames a body in chunks and the empty line. */
  readonly head: string;
  /** Its length is in the headers, or it goes in chunks. */
  readonly body: UpstreamBody | undefined;
  readonly isChunked: boolean;
}

/** All that comes before the body. */
export function renderHead({ head, isChunked }: UpstreamRequest): string {
  return isChunked ? `${head}transfer-encoding: chunked\r\n\r\n` : `${head}\r\n`;
}

export function renderLine(method: string, path: string): string {
  return `${method} ${path} HTTP/1.1\r\n`;
}

/** What ends a body in chunks: the last chunk and the trailers. */
export function renderEnd({ trailers = [] }: UpstreamBody): string {
  return `0\r\n${renderFields(trailers)}\r\n`;
}
