import type { KeptLine, LogQuery } from "../store.ts";
import { type Block, blocksBackward, blocksForward } from "./blocks.ts";
import { type FunctionLog, openSegment } from "./function-log.ts";
import { LineSearch } from "./search.ts";
import { idOf, parseId, type Segment } from "./segment.ts";

/** For clocks that were set, and for lines that waited. */
const SLACK_MS = 2 * 3_600_000;

/** Reads the lines that a log has now: the last `tail` that pass, or all after `after`. */
export async function* readLog(log: FunctionLog, query: LogQuery): AsyncGenerator<KeptLine> {
  await log.load();
  const segments = log.segments.map((segment) => ({ ...segment }));
  if (query.after !== undefined) parseId(query.after);
  if (query.tail === 0) return;
  if (query.tail === undefined) yield* readForward(segments, query);
  else if (query.after === undefined) yield* await readBackward(segments, query.tail, query);
  else yield* newest(await Array.fromAsync(readForward(segments, query)), query.tail);
}

async function* readForward(segments: readonly Segment[], query: LogQuery): AsyncGenerator<KeptLine> {
  const after = query.after === undefined ? undefined : parseId(query.after);
  const search = new LineSearch(query);
  for (const segment of segments) {
    if (after && segment.first < after.segment) continue;
    if (mayPass(segment, query)) {
      const from = after?.segment === segment.first ? after.offset : 0;
      yield* scan(segment, from, search);
    }
  }
}

/** Searches from the newest line back, and returns the lines oldest first. */
async function readBackward(
  segments: readonly Segment[],
  tail: number,
  query: LogQuery,
): Promise<readonly KeptLine[]> {
  const search = new LineSearch(query);
  const found: KeptLine[][] = [];
  let count = 0;
  for (const segment of segments.toReversed()) {
    if (count >= tail) break;
    const file = mayPass(segment, query) ? await openSegment(segment) : undefined;
    if (file === undefined) continue;
    try {
      for await (const block of blocksBackward(file, segment.bytes)) {
        const lines = keptIn(block, segment, search);
        found.push(lines);
        count += lines.length;
        if (count >= tail) break;
      }
    } finally {
      await file.close();
    }
  }
  return newest(found.toReversed().flat(), tail);
}

function newest(lines: readonly KeptLine[], count: number): readonly KeptLine[] {
  return count === 0 ? [] : lines.slice(-count);
}

async function* scan(segment: Segment, from: number, search: LineSearch): AsyncGenerator<KeptLine> {
  const file = await openSegment(segment);
  try {
    if (file) {
      for await (const block of blocksForward(file, from, segment.bytes))
        yield* keptIn(block, segment, search);
    }
  } finally {
    await file?.close();
  }
}

function keptIn({ bytes, start }: Block, segment: Segment, search: LineSearch): KeptLine[] {
  return search
    .in(bytes)
    .map(({ line, end }) => ({ ...line, id: idOf({ segment: segment.first, offset: start + end }) }));
}

/** Whether lines of the segment may be of the time that is wanted. A line is a little older than its write. */
function mayPass({ createdMs, writtenMs }: Segment, { since, until }: LogQuery): boolean {
  if (since !== undefined && writtenMs + SLACK_MS < since.getTime()) return false;
  return until === undefined || createdMs - SLACK_MS < until.getTime();
}
