/** Longest head that a program may print. */
const HEAD_BYTES = 64 * 1024;
const FIELD = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/;
/** No field of HTTP has it (RFC 9110, section 5.5). Bytes are read as one character each. */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** A status and its reason, which is not used. */
const STATUS = /^([2-5]\d\d)(?:[ \t].*)?$/;
/** Fields that frame the body or describe the connection, which the host does itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set(
  "status connection content-length keep-alive proxy-authenticate te trailer transfer-encoding upgrade".split(
    " ",
  ),
);

export interface CgiHead {
  readonly status: number;
  /** Names and values in turn. */
  readonly fields: readonly string[];
}

/** The output of a program does not begin with the head of a CGI response. */
export class InvalidHead extends Error {}

/** Collects the head at the beginning of an output (RFC 3875, section 6). */
export class CgiHeadReader {
  #bytes: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes. Returns the head and the bytes behind it once it is complete.
   * @throws InvalidHead
   */
  take(chunk: Uint8Array): { readonly head: CgiHead; readonly rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const end = endOf(this.#bytes);
    if (end === undefined) {
      if (this.#bytes.length > HEAD_BYTES)
        throw new InvalidHead(`has no empty line within ${HEAD_BYTES} bytes`);
      return undefined;
    }
    return { head: parseHead(this.#bytes.toString("latin1", 0, end)), rest: this.#bytes.subarray(end) };
  }

  /** A program may print nothing. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }
}

/** Returns where the body begins: behind the first empty line. */
function endOf(bytes: Buffer): number | undefined {
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  // Also one without any field.
  return bytes[0] === 0x0a ? 1 : bytes[0] === 0x0d && bytes[1] === 0x0a ? 2 : undefined;
}

/** @throws InvalidHead */
function parseHead(text: string): CgiHead {
  const fields: string[] = [];
  let status: number | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    const [, name = "", value = ""] = FIELD.exec(line) ?? [];
    const lower = name.toLowerCase();
    if (lower === "" || NO_VALUE.test(value))
      throw new InvalidHead(`has the line ${JSON.stringify(line.slice(0, 80))}`);
    if (lower === "status") {
      status = Number(STATUS.exec(value)?.[1]);
      if (Number.isNaN(status)) throw new InvalidHead(`has the status ${JSON.stringify(value.slice(0, 80))}`);
    } else if (!OWN_FIELDS.has(lower) && !lower.startsWith("x-skiff-")) fields.push(name, value);
  }
  const isRedirect = fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === "location");
  return { status: status ?? (isRedirect ? 302 : 200), fields };
}
