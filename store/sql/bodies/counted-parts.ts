import { Problem } from "../../../platform/problems.ts";

/**
 * Passes parts on until there are too many bytes.
 * @throws Problem `body_too_large` over `mostBytes`
 */
export async function* countedParts(
  parts: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.byteLength;
    if (bytes > mostBytes) {
      throw new Problem("body_too_large", `The body is larger than ${mostBytes} bytes: send less.`);
    }
    yield part;
  }
}
