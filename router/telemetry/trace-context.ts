import { randomFillSync } from "node:crypto";
import type { PreparedRequest } from "../exchange/request.ts";
import type { CallSpan, Tracer } from "./call-record.ts";

/** Bytes of one trace id and one parent id. */
const IDS_BYTES = 24;
const IDS_HELD = 512;

/** Version, trace id, parent id, flags (https://www.w3.org/TR/trace-context/); later versions append. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const LENGTH = 55;
const LONGEST = 512;

/** Returns whether this field continues a trace. A field that is not valid begins a new one. */
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

/** Returns whether the caller recorded its part of the trace. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** A call's place in a trace. */
export interface CallTrace {
  /** The field for the instance. */
  readonly traceparent: string;
  /** All fields of the trace for the instance, as lines. */
  readonly lines: string;
  /** Undefined if no spans are exported. */
  readonly span: CallSpan | undefined;
}

/** Continues the traces of callers and begins new ones. */
export class Traces {
  readonly #tracer: Tracer | undefined;
  readonly #bytes = Buffer.alloc(IDS_BYTES * IDS_HELD);
  #text = "";
  #offset = 0;

  constructor(tracer: Tracer | undefined) {
    this.#tracer = tracer;
  }

  /** @param arrivedMs time at which the call arrived, by `performance.now()` */
  begin({ traceparent, tracestate }: PreparedRequest, arrivedMs: number): CallTrace {
    const parent = traceparent !== undefined && isTraceparent(traceparent) ? traceparent : undefined;
    const span = this.#tracer?.begin(parent, performance.now() - arrivedMs);
    const ours = span?.traceparent ?? parent ?? this.next();
    const state = parent === undefined || tracestate === undefined ? "" : `tracestate: ${tracestate}\r\n`;
    return { traceparent: ours, lines: `traceparent: ${ours}\r\n${state}`, span };
  }

  /** Returns a new `traceparent`, not sampled. Random bytes are drawn for many at a time. */
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
