import { randomFillSync } from "node:crypto";
import { isTraceparent } from "../../http/traceparent.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { CallSpan, Tracer } from "./call-record.ts";

/** Bytes of one trace id and one parent id. */
const IDS_BYTES = 24;
const IDS_HELD = 512;

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
