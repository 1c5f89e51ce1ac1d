import type { IncomingMessage } from "node:http";
import { MIMEType } from "node:util";
import { readBody } from "../../http/body/read-body.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import { IMAGE } from "./versions/read-image.ts";

/** Fields besides the source. */
const FIELDS = 1_000;
const FIELD_BYTES = 128 * 1024;
/** Space for everything but the source. */
const FIELDS_BYTES = 1024 ** 2;
const SOURCE = "source";

export interface Form {
  /** The bytes of the field `source`. Empty for an image without one. */
  readonly source: Uint8Array;
  /** The other fields in their order, byte for byte. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/**
 * Reads a `multipart/form-data` body with a source and settings, under the limits of `readBody`.
 * @throws Problem `invalid_request`, `invalid_setting`, `source_too_large`, and those of `readBody`
 */
export async function readForm(request: IncomingMessage, { sourceBytes }: Limits): Promise<Form> {
  const type = request.headers["content-type"]!;
  const boundary = boundaryOf(type);
  const body = await readBody(request, {
    maxBytes: sourceBytes + FIELDS_BYTES,
    tooLarge: "source_too_large",
    advice: "remove files that the function does not need, or raise SKIFF_MAX_SOURCE.",
  });
  checkParts(body, boundary);
  const entries = [...(await parse(body, type))];
  const sources = entries.filter(([name]) => name === SOURCE).map(([, value]) => value);
  const hasImage = entries.some(([name]) => name === IMAGE);
  const source = hasImage && sources.length === 0 ? new Uint8Array(0) : await onlySource(sources);
  const fields = entries.filter(([name]) => name !== SOURCE).map(([name, value]) => textField(name, value));
  return { source, fields };
}

function boundaryOf(type: string): string {
  let boundary: string | null = null;
  try {
    boundary = new MIMEType(type).params.get("boundary");
  } catch {
    // Not a media type: reported below like a missing boundary.
  }
  if (boundary) return boundary;
  throw malformed("Content-Type has no boundary, which curl -F and libraries add by themselves");
}

/** Bounds the work of the parser, which has no limit of its own. */
function checkParts(body: Buffer, boundary: string): void {
  const delimiter = Buffer.from(`--${boundary}`);
  let parts = 0;
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    // The first and the last delimiter are around the parts, of which one is the source.
    if (++parts > FIELDS + 2) {
      throw new Problem("invalid_request", `The form has over ${FIELDS} fields: send fewer.`);
    }
  }
}

async function parse(body: Buffer<ArrayBufferLike>, type: string): Promise<FormData> {
  try {
    return await new Response(body as Buffer<ArrayBuffer>, { headers: { "content-type": type } }).formData();
  } catch (error) {
    const { cause } = error as Error;
    throw malformed(cause instanceof Error ? cause.message : "not multipart/form-data");
  }
}

function malformed(why: string): Problem {
  const detail = `The form cannot be read (${why}): send it with curl -F or a library for forms.`;
  return new Problem("invalid_request", detail);
}

function textField(name: string, value: FormDataEntryValue): readonly [string, string] {
  const refuse = (detail: string) => {
    const setting = name.slice(0, 80);
    return new Problem("invalid_setting", `The field ${setting} ${detail}`, { setting });
  };
  if (typeof value !== "string") {
    throw refuse(
      `is a file, but only ${SOURCE} can be one; write -F '${name.slice(0, 80)}=<FILE' for its text.`,
    );
  }
  if (Buffer.byteLength(value) > FIELD_BYTES) throw refuse(`is over ${formatBytes(FIELD_BYTES)}.`);
  if (isDamaged(value)) throw refuse("has bytes that are not UTF-8; encode them, for example in base64.");
  return [name, value];
}

async function onlySource(sources: readonly FormDataEntryValue[]): Promise<Uint8Array> {
  const [source] = sources;
  if (source === undefined) {
    const detail = `The form has no field ${SOURCE}: add the file, for example with -F ${SOURCE}=@main.ts.`;
    throw new Problem("invalid_request", detail);
  }
  if (sources.length > 1) {
    const detail = `The form has ${sources.length} fields ${SOURCE}: send one. Several files go into an archive, for example with tar.`;
    throw new Problem("invalid_request", detail);
  }
  if (typeof source !== "string") return new Uint8Array(await source.arrayBuffer());
  if (!isDamaged(source)) return Buffer.from(source);
  throw new Problem(
    "invalid_request",
    `The field ${SOURCE} has bytes that are not UTF-8: send it as a file.`,
  );
}

/** The parser replaces bytes that are not UTF-8, and a changed secret would fail much later. */
function isDamaged(text: string): boolean {
  return text.includes("\ufffd");
}
