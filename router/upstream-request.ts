import type { Readable } from "node:stream";

/** Where it goes in chunks, fields may follow it: names and values in turn, known at its end. */
export interface UpstreamBody extends Readable {
  readonly trailers?: readonly string[];
}

/** A call as an instance gets it. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. Here and in trailers they hold no line breaks: node's parser has let them through. */
  readonly headers: readonly string[];
  /** Its length is in the headers, or it goes in chunks. */
  readonly body: UpstreamBody | undefined;
  readonly isChunked: boolean;
}

/** The request line and header block. */
export function renderHead({ method, path, headers, isChunked }: UpstreamRequest): string {
  const text = `${method} ${path} HTTP/1.1\r\n${renderFields(headers)}`;
  return isChunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}

/** What ends a body in chunks: the last chunk and the trailers. */
export function renderEnd({ trailers = [] }: UpstreamBody): string {
  return `0\r\n${renderFields(trailers)}\r\n`;
}

function renderFields(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
