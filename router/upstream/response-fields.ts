/** The instance sent something that cannot be forwarded. */
export class BadResponse extends Error {}

/** The instance closed the connection before its response was complete, as one that stops does. */
export class ResponseCut extends Error {
  override readonly name = "ResponseCut";
}

/** The response is not valid HTTP/1.1, or its end is ambiguous. */
export class MalformedResponse extends BadResponse {
  override readonly name = "MalformedResponse";
}

/** The header block or the trailers of a response exceed the limit. */
export class HeadTooLarge extends BadResponse {
  override readonly name = "HeadTooLarge";
}

const [TAB, LF, CR, SPACE, COLON, DELETE] = [9, 10, 13, 32, 58, 127];

/** By character code: 0 is not allowed in a name, 1 is, 2 is a capital letter. */
const NAME = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Z]/.test(character) ? 2 : /[a-z0-9!#$%&'*+.^_`|~-]/.test(character) ? 1 : 0;
});

/** By character code: 1 is allowed in a value. */
const VALUE = Uint8Array.from({ length: 256 }, (_, code) =>
  code === TAB || (code >= SPACE && code !== DELETE) ? 1 : 0,
);

/** Returns whether every character is allowed in the value of a field. */
export function isFieldValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (VALUE[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/**
 * Parses the fields of a header block or a trailer section (RFC 9112 5) into names in lower case and values
 * in turn. `text` is one character per byte, and each of its lines ends in CR LF.
 * @throws MalformedResponse for folded lines, bare CR or LF, a space before the colon and control characters
 */
export function parseFields(text: string, start: number): string[] {
  const fields: string[] = [];
  let at = start;
  while (at < text.length) {
    const nameAt = at;
    let capitals = false;
    let kind = NAME[text.charCodeAt(at)];
    while (kind === 1 || kind === 2) {
      if (kind === 2) capitals = true;
      kind = NAME[text.charCodeAt(++at)];
    }
    if (at === nameAt || text.charCodeAt(at) !== COLON) {
      throw new MalformedResponse("a field of its response has no valid name");
    }
    const name = text.slice(nameAt, at);
    let valueAt = at + 1;
    while (isBlank(text.charCodeAt(valueAt))) valueAt++;
    at = valueAt;
    while (VALUE[text.charCodeAt(at)] === 1) at++;
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
      throw new MalformedResponse("a field of its response has no valid value");
    }
    let end = at;
    while (end > valueAt && isBlank(text.charCodeAt(end - 1))) end--;
    fields.push(capitals ? name.toLowerCase() : name, text.slice(valueAt, end));
    at += 2;
  }
  return fields;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Most hexadecimal digits of a chunk size; more would not be exact as a number. */
const MOST_DIGITS = 12;

/** Parses the line before a chunk (RFC 9112 7.1), byte by byte. Extensions are errors. */
export class ChunkSize {
  /** Size of the chunk, as far as its line has been read. */
  bytes = 0;
  #digits = 0;
  #isEnding = false;

  /** Prepares for the next line. */
  reset(): void {
    this.bytes = 0;
    this.#digits = 0;
    this.#isEnding = false;
  }

  /** Returns true at the end of the line. @throws MalformedResponse */
  take(byte: number): boolean {
    if (this.#isEnding && byte === LF) return true;
    const digit = this.#isEnding ? -1 : hexDigit(byte);
    if (digit >= 0 && ++this.#digits <= MOST_DIGITS) this.bytes = this.bytes * 16 + digit;
    else if (byte === CR && this.#digits > 0 && !this.#isEnding) this.#isEnding = true;
    else throw new MalformedResponse("a chunk of its response has no valid size");
    return false;
  }
}

/** Returns -1 for any other byte. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
