import { isTraceparent, NewTraces } from "../../http/traceparent.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { CallSpan, Tracer } from "./call-record.ts";

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
  readonly #new = new NewTraces();

  constructor(tracer: Tracer | undefined) {
    this.#tracer = tracer;
  }

  /** @param arrivedMs time at which the call arrived, by `performance.now()` */
  begin({ traceparent, tracestate }: PreparedRequest, arrivedMs: number): CallTrace {
    const parent = traceparent !== undefined && isTraceparent(traceparent) ? traceparent : undefined;
    const span = this.#tracer?.begin(parent, performance.now() - arrivedMs);
    const ours = span?.traceparent ?? parent ?? this.#new.next();
    const state = parent === undefined || tracestate === undefined ? "" : `tracestate: ${tracestate}\r\n`;
    return { traceparent: ours, lines: `traceparent: ${ours}\r\n${state}`, span };
  }
}
