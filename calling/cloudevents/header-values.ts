/** Values of attributes in header fields (CloudEvents 1.0.2, HTTP protocol binding 3.1.3.2). */

/** Everything but U+0021 to U+007E, and the two characters that the binding names. */
const ENCODED = /[^\x21-\x7e]|["%]/gu;
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;

export function encodeHeaderValue(value: string): string {
  return value.replaceAll(ENCODED, encodeURIComponent);
}

/** Undefined if percent-encoded bytes are not UTF-8. */
export function decodeHeaderValue(value: string): string | undefined {
  const unquoted = QUOTED.exec(value)?.[1]?.replaceAll(/\\(.)/g, "$1") ?? value;
  // Node reads each byte as one character. Senders that do not encode send UTF-8, or Latin-1.
  const text = utf8Of(unquoted) ?? unquoted;
  if (!text.includes("%")) return text;
  // A percent sign that encodes nothing stays.
  const escaped = text.replaceAll(/%(?![0-9a-f]{2})/gi, "%25");
  try {
    return decodeURIComponent(escaped);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function utf8Of(value: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? undefined : text;
}
