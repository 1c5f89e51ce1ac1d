import { constants, fstatSync, openSync } from "node:fs";
import { type Logger, pino, stdTimeFunctions } from "pino";
import sonicBoom, { type SonicBoom } from "sonic-boom";
import { traceIdOf } from "../../http/traceparent.ts";
import { LimitedLog } from "../../process/limited-log.ts";
import { type CallRecord, fieldForLog, pathForLog } from "./call-record.ts";

/** Most bytes of lines that wait to be written; further lines are dropped. */
const HELD_BYTES = 4 * 1024 ** 2;
/** Bytes per write. A pipe keeps them together when several processes write to it (PIPE_BUF). */
const PIPE_BYTES = 4_096;
const FILE_BYTES = 64 * 1024;
/** Time after which fewer bytes are written, in milliseconds. */
const FLUSH_MS = 1_000;
const PRINT_LIMIT = { lines: 1, perMs: 60_000 };

export interface AccessLogOptions {
  /** `stdout` or the path of a file, which is created if it does not exist and appended to. */
  readonly target: string;
  /** Called at most once a minute with the reason why the log cannot be written. */
  readonly print: (line: string) => void;
  readonly heldBytes?: number;
}

/**
 * Writes one line of JSON per call. It never delays a call: lines are written in the background, and dropped
 * and counted if that is too slow.
 */
export class AccessLog {
  /** Lines that were not written. */
  dropped = 0;
  readonly #sink: SonicBoom;
  readonly #logger: Logger;
  #isClosing = false;
  #isGivenUp = false;

  /** @throws Error with a text for the operator if the file cannot be opened */
  constructor({ target, print, heldBytes = HELD_BYTES }: AccessLogOptions) {
    const fd = target === "stdout" ? process.stdout.fd : openFile(target);
    const isFile = fstatSync(fd).isFile();
    const sink = new sonicBoom.SonicBoom({
      fd,
      sync: false,
      // In text mode every line is measured together with those before it.
      contentMode: "buffer",
      maxLength: heldBytes,
      maxWrite: isFile ? FILE_BYTES : PIPE_BYTES,
      minLength: isFile ? FILE_BYTES / 4 : PIPE_BYTES - 256,
      periodicFlush: FLUSH_MS,
      retryEAGAIN: () => !this.#isGivenUp,
    });
    const log = new LimitedLog(print, PRINT_LIMIT);
    sink.on("drop", () => this.dropped++);
    sink.on("error", (error: Error) => {
      if (this.#isGivenUp) sink.destroy();
      else log.print(`the access log cannot be written to ${target}: ${error.message}`);
    });
    this.#sink = sink;
    const lines = { write: (line: string) => sink.write(Buffer.from(line) as unknown as string) };
    const formatters = { level: (level: string) => ({ level }) };
    this.#logger = pino({ base: null, timestamp: stdTimeFunctions.isoTime, formatters }, lines);
  }

  write(call: CallRecord): void {
    if (this.#isClosing) this.dropped++;
    else this.#logger.info(lineOf(call));
  }

  /** Writes the lines that wait, for at most `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#isClosing = true;
    const { promise: isClosed, resolve } = Promise.withResolvers<void>();
    this.#sink.once("close", resolve);
    const timer = setTimeout(resolve, withinMs);
    this.#sink.end();
    await isClosed;
    clearTimeout(timer);
    this.#isGivenUp = true;
  }
}

/** Opens with O_NONBLOCK: a named pipe without a reader would block a thread, and the program at its end. */
function openFile(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  } catch (error) {
    throw new Error(`SKIFF_ACCESS_LOG=${path} cannot be written: ${(error as Error).message}.`);
  }
}

/** Returns the fields of a line besides `level` and `time`; docs/observability.md lists them. */
export function lineOf(call: CallRecord) {
  const { request, traceparent } = call;
  const forwardedFor = request.headers["x-forwarded-for"];
  return {
    callId: call.id,
    traceId: traceparent && traceIdOf(traceparent),
    method: request.method,
    path: pathForLog(request.url ?? ""),
    function: call.functionName,
    version: call.version,
    instance: call.instance,
    status: call.status === 0 ? undefined : call.status,
    durationMs: rounded(call.durationMs),
    waitedMs: call.waitedMs === 0 ? undefined : rounded(call.waitedMs),
    requestBytes: call.requestBytes,
    responseBytes: call.responseBytes,
    remoteAddress: call.client?.address ?? request.socket.remoteAddress,
    forwardedFor: fieldForLog(Array.isArray(forwardedFor) ? forwardedFor.join(", ") : forwardedFor),
    userAgent: fieldForLog(request.headers["user-agent"]),
    code: call.code,
    cold: call.isCold || undefined,
    retries: call.retries || undefined,
    aborted: call.isAborted || undefined,
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
