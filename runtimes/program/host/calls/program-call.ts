import { once } from "node:events";
import type { Readable } from "node:stream";
import type { HostCall } from "../host-call.ts";
import type { Platform } from "../platform-lines.ts";
import type { CallOrder } from "../program-message.ts";
import type { ProcessTree, ProcessTrees } from "../trees/process-trees.ts";
import { CallAnswer } from "./call-answer.ts";
import { CALL_VARIABLE, callVariables } from "./call-variables.ts";
import { InvalidHead } from "./cgi-head.ts";
import { LogLines } from "./log-lines.ts";
import type { PassedBytes } from "./passed-bytes.ts";
import type { PipeStore } from "./pipe-store.ts";
import type { Failure } from "./problem-answers.ts";

import { type CallProgram, type ProgramStart, spawnProgram } from "./spawn-program.ts";
import { readBody, SPOOLED_BYTES, spool } from "./spooled-input.ts";

/** Time without output after which a process that outlives its tree is no longer waited for. */
const HELD_MS = 250;

/** Exit code of a shell for SIGKILL. */
const KILLED = 137;
const OUT_OF_MEMORY: Failure = {
  code: "out_of_memory",
  detail:
    "The program was ended because the memory of its instance ran out: raise the setting memoryMiB, or lower concurrency.",
  setting: "memoryMiB",
};

export interface ProgramCallOptions {
  readonly order: CallOrder;
  readonly platform: Platform;
  readonly trees: ProcessTrees;
  readonly pipes: PipeStore;
  readonly passed: PassedBytes;
  /** Variables of every program. */
  readonly variables: NodeJS.ProcessEnv;
}

/** One run of a program, from its start until nothing of it is left. */
export class ProgramCall {
  /** Resolves when the answer was delivered, or its client has left, and no process of the call is left. Rejects with UndyingTree. */
  readonly ended: Promise<void>;
  readonly #call: HostCall;
  readonly #options: ProgramCallOptions;
  readonly #answer: CallAnswer;
  #log: LogLines | undefined;
  #program: CallProgram | undefined;
  /** A short body, which arrives before the program starts. */
  #body: Buffer | undefined;
  #tree: ProcessTree | undefined;
  /** Why the program was ended. */
  #failure: Failure | undefined;
  #hasLeft = false;

  constructor(call: HostCall, options: ProgramCallOptions) {
    this.#call = call;
    this.#options = options;
    const { request, response, callId } = call;
    this.#answer = new CallAnswer(request, response, { callId, cgi: options.order.cgi });
    this.ended = this.#run();
  }

  /** Ends the call: nobody waits for its answer. */
  leave(): void {
    this.#hasLeft = true;
    this.#kill();
    this.#call.response.destroy();
  }

  /** Ends the call because the memory of its instance has run out. */
  endOutOfMemory(): void {
    this.#endWith(OUT_OF_MEMORY);
  }

  async #run(): Promise<void> {
    const { response } = this.#call;
    const delivered = new Promise<void>((resolve) => {
      response.once("close", () => {
        if (!response.writableFinished) this.leave();
        resolve();
      });
    });
    try {
      this.#finish(await this.#runProgram());
    } catch (error) {
      this.#failWith({ code: "program_failed", detail: (error as Error).message });
    }
    await delivered;
    await this.#tree?.end();
  }

  /** @throws Error with a sentence if the program cannot be started */
  async #runProgram(): Promise<Failure | undefined> {
    const { order, trees } = this.#options;
    const streams = await this.#streams();
    if (streams === undefined) return undefined;
    const killsBefore = trees.memoryKills.count;
    const program = this.#spawn(streams);
    const { child, stdout, stderr } = program;
    const exited = new Promise<Failure | undefined>((resolve, reject) => {
      child.once("error", (error) => reject(cannotStart(error)));
      child.once("exit", (exitCode, signal) => {
        // A shell exits so if the kernel has killed what it waited for.
        const isKilled = signal === "SIGKILL" || exitCode === KILLED;
        const ranOut = isKilled && trees.memoryKills.count > killsBefore;
        resolve(ranOut ? OUT_OF_MEMORY : failureOf(exitCode, signal));
      });
    });
    const closed = [this.#passOutput(stdout), this.#passLog(stderr)];
    if (child.pid !== undefined) this.#tree = trees.begin(child.pid, `${CALL_VARIABLE}=${this.#call.callId}`);
    const deadline = setTimeout(() => this.#endWith(timeoutFailure(order.timeoutMs)), order.timeoutMs);
    this.#passInput(program);
    if (this.#hasLeft || this.#failure) this.#kill();
    try {
      return await exited;
    } finally {
      program.stdin?.destroy();
      // Other processes of the call may hold its output open.
      this.#tree?.kill();
      await Promise.all([closeHeld(stdout, closed[0]!), closeHeld(stderr, closed[1]!)]);
      clearTimeout(deadline);
    }
  }

  /** Returns what the program reads and writes; undefined if the client leaves before its body is whole. */
  async #streams(): Promise<Pick<ProgramStart, "input" | "outputs"> | undefined> {
    const { pipes } = this.#options;
    const { headers } = this.#call.request;
    const length = Number(headers["content-length"] ?? 0);
    const isChunked = headers["transfer-encoding"] !== undefined;
    const body = !isChunked && length <= SPOOLED_BYTES ? await readBody(this.#call.request) : undefined;
    if (this.#hasLeft) return undefined;
    const outputs = await pipes.take(["fromProgram", "fromProgram"]);
    if (body === undefined) {
      // A body of unknown length may be over before the program opens a pipe by name, which waits for a writer then.
      const [pipe] = isChunked ? [] : ((await pipes.take(["toProgram"])) ?? []);
      return { input: pipe ?? "pipe", outputs };
    }
    this.#body = body;
    return { input: body.length === 0 ? "ignore" : (spool(body) ?? "pipe"), outputs };
  }

  /** @throws Error with a sentence */
  #spawn(streams: Pick<ProgramStart, "input" | "outputs">): CallProgram {
    const { order, variables } = this.#options;
    const { request, callId } = this.#call;
    const env = { ...variables, ...callVariables(request, callId) };
    try {
      this.#program = spawnProgram({ command: order.command, cwd: order.cwd, env, ...streams });
      return this.#program;
    } catch (error) {
      throw cannotStart(error as Error);
    }
  }

  #passInput({ stdin }: CallProgram): void {
    const { request } = this.#call;
    if (!stdin) return;
    if (this.#body !== undefined) {
      // A program need not read its input.
      stdin.once("error", () => {});
      stdin.end(this.#body);
      return;
    }
    // A program need not read its input.
    stdin.once("error", () => request.unpipe(stdin).resume());
    stdin.once("close", () => request.unpipe(stdin).resume());
    request.on("data", (chunk: Buffer) => this.#options.passed.add(chunk));
    request.pipe(stdin);
  }

  #passOutput(stdout: Readable): Promise<void> {
    const { response } = this.#call;
    stdout.on("data", (chunk: Buffer) => {
      this.#options.passed.add(chunk);
      try {
        if (this.#hasLeft || this.#answer.write(chunk)) return;
        stdout.pause();
        response.once("drain", () => stdout.resume());
      } catch (error) {
        this.#endWith(unusable(error as Error));
      }
    });
    return closeOf(stdout);
  }

  #passLog(stderr: Readable): Promise<void> {
    const { platform } = this.#options;
    this.#log = new LogLines(stderr, {
      line: (text) => platform.logError(text, this.#call.callId),
      drained: (onDrain) => platform.drained(onDrain),
    });
    return closeOf(stderr);
  }

  #finish(failure: Failure | undefined): void {
    if (this.#hasLeft) return;
    const reason = this.#failure ?? failure;
    if (reason) {
      this.#failWith(reason);
      return;
    }
    try {
      this.#answer.succeed();
    } catch (error) {
      this.#failWith(unusable(error as Error));
    }
  }

  #failWith(failure: Failure): void {
    if (this.#hasLeft) return;
    this.#options.platform.log("error", failure.detail, this.#call.callId);
    const log = this.#log?.last ?? [];
    this.#answer.fail({ ...failure, ...(log.length === 0 ? {} : { log }) });
  }

  /** Ends the program because of a failure, unless it has ended. */
  #endWith(failure: Failure): void {
    this.#failure ??= failure;
    this.#kill();
  }

  #kill(): void {
    this.#tree?.kill();
    this.#program?.stdout.destroy();
  }
}

function cannotStart({ message }: Error): Error {
  return new Error(`The program cannot be started: ${message}`);
}

function closeOf(stream: Readable): Promise<void> {
  // A broken pipe is its end.
  stream.on("error", () => {});
  return once(stream, "close").then(() => {});
}

/** Waits for the end of a stream whose writers were killed. One that escaped is not waited for. */
async function closeHeld(stream: Readable, closed: Promise<void>): Promise<void> {
  let read = -1;
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
  };
  stream.on("data", count);
  const look = setInterval(() => {
    if (bytes === read && !stream.isPaused()) stream.destroy();
    read = bytes;
  }, HELD_MS);
  await closed;
  clearInterval(look);
}

function failureOf(exitCode: number | null, signal: NodeJS.Signals | null): Failure | undefined {
  if (exitCode === 0) return undefined;
  const code = "program_failed";
  return signal === null
    ? { code, detail: `The program exited with code ${exitCode}.`, exitCode: exitCode! }
    : { code, detail: `The program was ended by ${signal}.`, signal };
}

function timeoutFailure(timeoutMs: number): Failure {
  const detail = `The program did not end within ${timeoutMs} ms (setting timeoutMs).`;
  return { code: "call_timeout", detail };
}

/** Whatever a program prints is the failure of its own call. */
function unusable(error: Error): Failure {
  const { message } = error;
  const detail =
    error instanceof InvalidHead
      ? `The output of the program does not begin with the head of a CGI response: it ${message}.`
      : `The output of the program is no response: ${message}.`;
  return { code: "program_failed", detail };
}
