import { randomFillSync } from "node:crypto";

/** Bytes of one trace id and one parent id. */
const IDS_BYTES = 24;
const IDS_HELD = 512;

/** `traceparent` of https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; later versions append. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const LENGTH = 55;
const LONGEST = 512;

/** True if a trace goes on from this field. What is not valid is not repaired: a new trace begins. */
export function isTraceparent(text: string): boolean {
  if (text.length !== LENGTH && (text.length > LONGEST || text.startsWith("00"))) return false;
  return TRACEPARENT.test(text);
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

export function parentIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** True if who called recorded its part of the trace. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** Makes traces for calls that come without one. Random bytes are drawn for many at a time. */
export class TraceIds {
  readonly #bytes = Buffer.alloc(IDS_BYTES * IDS_HELD);
  #text = "";
  #offset = 0;

  /** A new `traceparent`. Not sampled: nobody recorded anything of it yet. */
  next(): string {
    if (this.#offset === this.#text.length) {
      this.#text = randomFillSync(this.#bytes).toString("hex");
      this.#offset = 0;
    }
    const start = this.#offset;
    const middle = start + 32;
    this.#offset = middle + 16;
    return `00-${this.#text.slice(start, middle)}-${this.#text.slice(middle, this.#offset)}-00`;
  }
}
