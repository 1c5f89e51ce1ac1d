import { onOneLine } from "../call/failure-log.ts";

/** What the batches of spans go to; the parts of OpenTelemetry's SpanExporter that are used. */
interface Exporter<Span> {
  export(spans: Span[], done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

/** `code` 0 is success. */
interface ExportResult {
  code: number;
  error?: Error;
}

export interface ExportWatchOptions {
  /** Spans that may wait for their export. */
  readonly heldSpans: number;
  /** For people; without secrets. */
  readonly receiver: string;
  readonly print: (line: string) => void;
}

const REPORT_MS = 60_000;

/** Stands before an exporter: bounds what waits for it, counts what is lost and says so once a minute. */
export class ExportWatch<Span = never> {
  readonly #exporter: Exporter<Span>;
  readonly #options: ExportWatchOptions;
  #held = 0;
  #dropped = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(exporter: Exporter<Span>, options: ExportWatchOptions) {
    this.#exporter = exporter;
    this.#options = options;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** True if `count` spans more may be ended; otherwise they are lost. */
  take(count: number): boolean {
    if (this.#held + count > this.#options.heldSpans) {
      this.#dropped += count;
      return false;
    }
    this.#held += count;
    return true;
  }

  export(spans: Span[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#held -= spans.length;
      if (result.code !== 0) this.#failed(spans.length, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #failed(count: number, error: Error | undefined): void {
    this.#dropped += count;
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs < REPORT_MS) return;
    this.#reportedAtMs = nowMs;
    const { receiver, print } = this.#options;
    const reason = onOneLine(error?.message || "no reason is known").slice(0, 300);
    print(`spans cannot be exported to ${receiver}: ${reason} (${this.#dropped} lost so far)`);
  }
}
