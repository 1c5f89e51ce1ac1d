import type { Readable } from "node:stream";

/** A call as an instance gets it. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. They hold no line breaks: node's parser has let them through. */
  readonly headers: readonly string[];
  /** Its length is in the headers, or it goes in chunks. */
  readonly body: Readable | undefined;
  readonly isChunked: boolean;
}

/** The request line and header block. */
export function renderHead({ method, path, headers, isChunked }: UpstreamRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return isChunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}
