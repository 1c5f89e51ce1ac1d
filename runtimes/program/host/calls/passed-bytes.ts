import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes after which the buffers that held them are freed. */
const COLLECT_BYTES = 16 * 1024 ** 2;

/**
 * Counts the bytes that pass through the host, and frees the buffers that held them. V8 alone keeps up to 64 MiB of
 * them, which count for the memory of the instance.
 */
export class PassedBytes {
  #bytes = 0;
  #collect: ((options: { type: "minor" }) => void) | undefined;

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes < COLLECT_BYTES) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect({ type: "minor" });
  }
}

function collector(): (options: { type: "minor" }) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
