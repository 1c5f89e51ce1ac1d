/** The instance is there, but what it sent cannot be passed on. */
export class BadResponse extends Error {}

/** The instance closed the connection before its response was whole, as one does that ends. */
export class ResponseCut extends Error {
  override readonly name = "ResponseCut";
}

/** The instance sent what is no HTTP/1.1 response, or one of which nobody can say where it ends. */
export class MalformedResponse extends BadResponse {
  override readonly name = "MalformedResponse";
}

/** The header block or the trailers of a response are over the limit. */
export class HeadTooLarge extends BadResponse {
  override readonly name = "HeadTooLarge";
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/** By code of a character: 0 may not stand in a name, 1 may, 2 may and is a capital letter. */
const NAME = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Z]/.test(character) ? 2 : /[a-z0-9!#$%&'*+.^_`|~-]/.test(character) ? 1 : 0;
});

/** By code of a character: 1 may stand in a value. */
const VALUE = Uint8Array.from({ length: 256 }, (_, code) =>
  code === TAB || (code >= SPACE && code !== 127) ? 1 : 0,
);

/** True if every character may stand in the value of a field. */
export function isFieldValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (VALUE[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/**
 * The fields of a header block or a trailer section (RFC 9112 5), names in lower case and values in turn. `text` is
 * one character per byte, and each of its lines ends in CR LF.
 * @throws MalformedResponse for what is no field: folded lines, bare CR or LF, a space before the colon, control characters
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
