import type { LogLine } from "../logs/log-line.ts";
import { partsByPlace, type SourcePlace } from "../logs/source-places.ts";

/** `GET /trace/ID`. */
export interface Trace {
  readonly callId: string;
  readonly function?: string;
  readonly version?: number;
  readonly instance?: string;
  readonly status?: number;
  readonly startedAt?: string;
  readonly durationMs?: number;
  /** The asynchronous call that it is, or that it was an attempt of. */
  readonly call?: {
    readonly id: string;
    readonly state: string;
    readonly attempts: readonly { readonly number: number; readonly callId?: string }[];
  };
  readonly run?: {
    readonly flow: string;
    readonly id: string;
    readonly step: string;
    readonly item?: number;
    readonly attempt: number;
  };
  readonly spans: readonly Span[];
  readonly lines: readonly TraceLine[];
  /** The search took too long. */
  readonly isCut?: boolean;
}

export interface Span {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly status?: number;
}

export type TraceLine = Omit<LogLine, "instance"> & { readonly instance?: string };

export interface Bar extends Span {
  readonly label: string;
  /** Of the width, from 0 to 1. */
  readonly from: number;
  readonly length: number;
}

const LABELS: Readonly<Record<string, string>> = {
  wait: "Wait for an instance",
  instance: "In the function",
  queue: "Wait in the queue",
};

/** The spans as bars of one width, in the order of their starts. Steps of a cold start stand below their wait. */
export function barsOf({ spans, durationMs = 0 }: Pick<Trace, "spans" | "durationMs">): Bar[] {
  const end = Math.max(durationMs, ...spans.map((span) => span.startMs + span.durationMs), 0.001);
  return spans
    .toSorted((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs)
    .map((span) => ({
      ...span,
      label: labelOf(span.name),
      from: span.startMs / end,
      length: span.durationMs / end,
    }));
}

function labelOf(name: string): string {
  const step = /^wake\.(.+)$/.exec(name)?.[1];
  return step === undefined ? (LABELS[name] ?? name) : `Cold start: ${step}`;
}

export interface Cause {
  /** The first line of the error, such as `TypeError: x is undefined`. */
  readonly message: string;
  readonly place?: SourcePlace;
}

/** What a failed call printed first as an error, and the line of code that it names. */
export function causeOf({ lines, status = 0 }: Pick<Trace, "lines" | "status">): Cause | undefined {
  if (status > 0 && status < 500) return undefined;
  const errors = lines.filter(({ level, stream }) => level === "error" && stream !== "call");
  const [placed] = errors.flatMap((line) => {
    const place = partsByPlace(line.text).find((part) => part.place !== undefined)?.place;
    return place === undefined ? [] : [{ line, place }];
  });
  const line = placed?.line ?? errors[0];
  if (line === undefined) return undefined;
  const message = line.text.split("\n", 1)[0]!.replace(/^call [\w-]+ failed: /, "");
  return { message, ...(placed && { place: placed.place }) };
}
