import { randomUUID } from "node:crypto";

export interface Form {
  readonly type: string;
  readonly body: Uint8Array;
}

/**
 * Makes a form of a source and settings, which keeps values out of URLs.
 * @param source undefined if the settings name an image
 */
export function sourceForm(
  source: Uint8Array | undefined,
  fields: readonly (readonly [name: string, value: string])[],
): Form {
  const boundary = `skiff-${randomUUID()}`;
  const part = (name: string, file = "") =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n`;
  const texts = fields.map(([name, value]) => `${part(name)}\r\n${value}\r\n`);
  const head = `${part("source", '; filename="source"')}content-type: application/octet-stream\r\n\r\n`;
  const file = source === undefined ? [] : [Buffer.from(head), source, Buffer.from("\r\n")];
  const body = Buffer.concat([Buffer.from(texts.join("")), ...file, Buffer.from(`--${boundary}--\r\n`)]);
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}
