import { randomBytes } from "node:crypto";

/** Version, trace id, parent id, flags (https://www.w3.org/TR/trace-context/); later versions append. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]*)?$/;
/** Bytes of one trace id and one parent id. */
const IDS_BYTES = 24;
const IDS_HELD = 512;
const LENGTH = 55;
const LONGEST = 512;

/** Returns whether this field continues a trace. A field that is not valid begins a new one. */
export function isTraceparent(text: string): boolean {
  if (text.length !== LENGTH && (text.length > LONGEST || text.startsWith("00"))) return false;
  return TRACEPARENT.test(text);
}

/** Returns whether this field may be sent on (https://www.w3.org/TR/trace-context/). */
export function isTracestate(text: string): boolean {
  return text.length <= LONGEST && /^[\x20-\x7e]*$/.test(text);
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

/** What a field consists of; ids are lower-case hexadecimal digits. */
export interface TraceparentParts {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceparentParts): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

/** Returns a field that begins a trace, which its caller did not record. */
export function newTraceparent(): string {
  return traceparentOf(randomBytes(IDS_BYTES).toString("hex"));
}

/** What a caller sent of its trace, unchecked. */
export interface TraceFields {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** Begins many traces: random bytes are drawn for many at a time. */
export class NewTraces {
  #text = "";
  #offset = 0;

  /** Returns the fields that continue the trace of a request, or those that begin one. */
  continued({ traceparent, tracestate }: TraceFields): TraceFields & { readonly traceparent: string } {
    if (traceparent !== undefined && isTraceparent(traceparent)) return { traceparent, tracestate };
    return { traceparent: this.next(), tracestate: undefined };
  }

  next(): string {
    if (this.#offset === this.#text.length) {
      this.#text = randomBytes(IDS_BYTES * IDS_HELD).toString("hex");
      this.#offset = 0;
    }
    const start = this.#offset;
    this.#offset += 2 * IDS_BYTES;
    return traceparentOf(this.#text.slice(start, this.#offset));
  }
}

/** Records parts of traces. */
export interface Spans<Span extends { readonly traceparent: string }> {
  /**
   * @param parent a valid `traceparent`; undefined begins a trace
   * @param agoMs time since the part began
   */
  begin(parent: string | undefined, agoMs: number): Span;
}

/** A call's place in a trace. */
export interface CallTrace<Span> {
  /** The field for the instance. */
  readonly traceparent: string;
  /** All fields of the trace for the instance, as lines. */
  readonly lines: string;
  /** Undefined if no spans are exported. */
  readonly span: Span | undefined;
}

/** Continues the traces of callers and begins new ones. */
export class Traces<Span extends { readonly traceparent: string }> {
  readonly #spans: Spans<Span> | undefined;
  readonly #new = new NewTraces();

  constructor(spans: Spans<Span> | undefined) {
    this.#spans = spans;
  }

  /**
   * @param fields those that the caller sent
   * @param arrivedMs time at which the call arrived, by `performance.now()`
   */
  begin({ traceparent, tracestate }: TraceFields, arrivedMs: number): CallTrace<Span> {
    const parent = traceparent !== undefined && isTraceparent(traceparent) ? traceparent : undefined;
    const span = this.#spans?.begin(parent, performance.now() - arrivedMs);
    const ours = span?.traceparent ?? parent ?? this.#new.next();
    const state = parent === undefined || tracestate === undefined ? "" : `tracestate: ${tracestate}\r\n`;
    return { traceparent: ours, lines: `traceparent: ${ours}\r\n${state}`, span };
  }
}

function traceparentOf(ids: string): string {
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
