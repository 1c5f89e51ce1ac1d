import type { FlowSpan, FlowTracer } from "../../../flows/traces/flow-tracer.ts";
import { isSampled } from "../../../http/traceparent.ts";

/** Keeps the spans of runs. */
export class FakeTracer implements FlowTracer {
  readonly dropped = 0;
  readonly spans: FlowSpan[] = [];
  readonly #decision: boolean | undefined;

  /** @param decision for all runs; that of the caller by default */
  constructor(decision?: boolean) {
    this.#decision = decision;
  }

  samples(_: string, parent: string | undefined): boolean {
    return this.#decision ?? (parent === undefined || isSampled(parent));
  }

  record(span: FlowSpan): void {
    this.spans.push(span);
  }

  async close(): Promise<void> {}
}
