import { join } from "node:path";
import { Problem } from "../../platform/problems.ts";

/** A file with consecutive lines of one function. */
export interface Segment {
  readonly path: string;
  /** Number of its first line. No other segment of the function ever has the same. */
  readonly first: number;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  /** Bytes of whole lines. */
  bytes: number;
  /** Time of the last write, in milliseconds since the epoch. */
  writtenMs: number;
}

/** A place between two lines. */
export interface Position {
  /** `first` of its segment. */
  readonly segment: number;
  readonly offset: number;
}

const NAME = /^(\d{1,16})-(\d{1,16})\.ndjson$/;
const ID = /^([0-9a-z]{1,12})\.([0-9a-z]{1,8})$/;

export function segmentPath(folder: string, first: number, createdMs: number): string {
  return join(folder, `${first}-${createdMs}.ndjson`);
}

/** Undefined for files that are no segments. */
export function parseSegmentName(name: string): Pick<Segment, "first" | "createdMs"> | undefined {
  const match = NAME.exec(name);
  return match ? { first: Number(match[1]), createdMs: Number(match[2]) } : undefined;
}

/** Writes the position behind a line as the id of the line. */
export function idOf({ segment, offset }: Position): string {
  return `${segment.toString(36)}.${offset.toString(36)}`;
}

/** @throws Problem `invalid_request` if it is not the id of a line */
export function parseId(id: string): Position {
  const match = ID.exec(id);
  if (match) return { segment: Number.parseInt(match[1]!, 36), offset: Number.parseInt(match[2]!, 36) };
  const detail = `The cursor "${id.slice(0, 80)}" is not the id of a log line: use the id of the last line that you have.`;
  throw new Problem("invalid_request", detail);
}
