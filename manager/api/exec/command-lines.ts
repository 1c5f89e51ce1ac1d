import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Limits } from "../../../platform/limits.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { Call } from "../services.ts";
import { exitCodeOf, type Failure, failureOf, OutputFull, problemOf } from "./command-end.ts";
import type { StartedRun } from "./started-run.ts";

/** What one of the two streams has got. */
interface Part {
  readonly stream: "output" | "errors";
  readonly bytes: number;
  readonly text: string;
}

/**
 * Answers one JSON object a line, for clients that see no trailers: `{"output": TEXT}` and `{"errors": TEXT}` as they come,
 * then how the command ended. The head is sent when the command runs.
 */
export function answerLines(ctx: Call, run: StartedRun, limits: Limits): void {
  ctx.set({ "content-type": "application/x-ndjson", "x-accel-buffering": "no" });
  ctx.flushHeaders();
  ctx.body = Readable.from(linesOf(run, limits), { objectMode: false });
}

async function* linesOf(run: StartedRun, limits: Limits): AsyncGenerator<string> {
  let room = limits.execOutputBytes;
  for await (const { stream, bytes, text } of partsOf(run)) {
    room -= bytes;
    if (room < 0) {
      run.stop.abort(new OutputFull());
      break;
    }
    if (text !== "") yield `${JSON.stringify({ [stream]: text })}\n`;
  }
  const end = await run.ended;
  const reason: unknown = run.stop.signal.reason;
  const failure = failureOf(end, reason);
  const outcome =
    failure === undefined
      ? { exitCode: exitCodeOf(end) }
      : { error: failure, detail: detailOf(failure, run, { reason, limits }) };
  yield `${JSON.stringify({ ...outcome, durationMs: Math.round(end.durationMs) })}\n`;
}

function detailOf(
  failure: Failure,
  { order }: StartedRun,
  { reason, limits }: { readonly reason: unknown; readonly limits: Limits },
): string {
  if (failure !== "output_too_large") return problemOf(failure, order, { reason }).message;
  return `The command wrote more than ${formatBytes(limits.execOutputBytes)} and was ended: raise SKIFF_EXEC_OUTPUT.`;
}

/** Both streams as they come. A character that two chunks share is whole; what is not UTF-8 is replaced. */
function partsOf({ running: { output, errors } }: StartedRun): AsyncIterable<Part> {
  const both = new PassThrough({ objectMode: true });
  const parts = [pipeline(output, decoded("output"), both, { end: false })];
  if (errors !== undefined) parts.push(pipeline(errors, decoded("errors"), both, { end: false }));
  Promise.all(parts).then(
    () => both.end(),
    (error: Error) => both.destroy(error),
  );
  return both;
}

function decoded(stream: Part["stream"]): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Part> {
  return async function* decode(chunks) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for await (const chunk of chunks)
      yield { stream, bytes: chunk.length, text: decoder.decode(chunk, { stream: true }) };
    yield { stream, bytes: 0, text: decoder.decode() };
  };
}
