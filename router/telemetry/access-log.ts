import { constants, fstatSync, openSync } from "node:fs";
import { type Logger, pino, stdTimeFunctions } from "pino";
import sonicBoom, { type SonicBoom } from "sonic-boom";
import type { CallRecord } from "./call-record.ts";
import { fieldForLog, pathForLog } from "./log-text.ts";
import { traceIdOf } from "./trace-context.ts";

/** Lines that wait to be written, in bytes; what comes beyond is dropped. */
const HELD_BYTES = 4 * 1024 ** 2;
/** What is written at a time. A pipe keeps so much together when several processes write to it (PIPE_BUF). */
const PIPE_BYTES = 4_096;
const FILE_BYTES = 64 * 1024;
/** Time after which lines are written that are too few to be worth it. */
const FLUSH_MS = 1_000;
const REPORT_MS = 60_000;

export interface AccessLogOptions {
  /** `stdout` or the path of a file, which is made if it is not there and appended to. */
  readonly target: string;
  /** Takes a line for people, at most one a minute: why the log cannot be written. */
  readonly print: (line: string) => void;
  readonly heldBytes?: number;
}

/**
 * One line of JSON per call. It never holds a call up: lines are written in the background, and when that is too slow
 * they are dropped and counted.
 */
export class AccessLog {
  readonly #print: (line: string) => void;
  readonly #target: string;
  readonly #sink: SonicBoom;
  readonly #logger: Logger;
  #dropped = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #isClosing = false;
  #isGivenUp = false;

  /** @throws Error in words if the file cannot be opened */
  constructor({ target, print, heldBytes = HELD_BYTES }: AccessLogOptions) {
    this.#print = print;
    this.#target = target;
    const fd = target === "stdout" ? process.stdout.fd : openFile(target);
    const isFile = fstatSync(fd).isFile();
    const sink = new sonicBoom.SonicBoom({
      fd,
      sync: false,
      // As text every line would be measured together with those before it.
      contentMode: "buffer",
      maxLength: heldBytes,
      maxWrite: isFile ? FILE_BYTES : PIPE_BYTES,
      minLength: isFile ? FILE_BYTES / 4 : PIPE_BYTES - 256,
      periodicFlush: FLUSH_MS,
      retryEAGAIN: () => !this.#isGivenUp,
    });
    sink.on("drop", () => this.#dropped++);
    sink.on("error", (error: Error) => this.#failed(error));
    this.#sink = sink;
    const lines = { write: (line: string) => sink.write(Buffer.from(line) as unknown as string) };
    const formatters = { level: (level: string) => ({ level }) };
    this.#logger = pino({ base: null, timestamp: stdTimeFunctions.isoTime, formatters }, lines);
  }

  get dropped(): number {
    return this.#dropped;
  }

  write(call: CallRecord): void {
    if (this.#isClosing) this.#dropped++;
    else this.#logger.info(lineOf(call));
  }

  /** Writes what is held, for at most `withinMs`. */
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

  #failed(error: Error): void {
    if (this.#isGivenUp) {
      this.#sink.destroy();
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs < REPORT_MS) return;
    this.#reportedAtMs = nowMs;
    this.#print(`the access log cannot be written to ${this.#target}: ${error.message}`);
  }
}

/** Without O_NONBLOCK a named pipe that nobody reads would hold a thread, and the program at its end. */
function openFile(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  } catch (error) {
    throw new Error(`SKIFF_ACCESS_LOG=${path} cannot be written: ${(error as Error).message}.`);
  }
}

/** What a line says besides `level` and `time`; docs/observability.md lists it. */
export function lineOf(call: CallRecord) {
  const { request, traceparent } = call;
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
    remoteAddress: request.socket.remoteAddress,
    forwardedFor: fieldForLog(joined(request.headers["x-forwarded-for"])),
    userAgent: fieldForLog(request.headers["user-agent"]),
    code: call.code,
    cold: call.isCold || undefined,
    retries: call.retries || undefined,
    aborted: call.isAborted || undefined,
  };
}

function joined(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.join(", ");
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
