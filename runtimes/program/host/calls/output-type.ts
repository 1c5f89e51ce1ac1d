/** Media type of the output of a program that names none. */
export const TEXT = "text/plain; charset=utf-8";
export const BYTES = "application/octet-stream";

/** Returns the media type for the first bytes of an output. */
export function typeOf(bytes: Uint8Array): string {
  if (bytes.includes(0)) return BYTES;
  try {
    // The last character may go on in the next bytes.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return TEXT;
  } catch (error) {
    if (error instanceof TypeError) return BYTES;
    throw error;
  }
}
