import { Readable } from "node:stream";
import { requireScope } from "../../../http/access/principal.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import { readOrder } from "../../../http/parameters/command-order.ts";
import { checkCommand, NO_COMMANDS } from "../../../platform/images/command-rules.ts";
import type { CommandEnd } from "../../../platform/images/commands.ts";
import { INTERNAL_KEY_ID } from "../../../platform/keys/internal-key.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";
import { unknownSecret } from "../../../platform/secrets.ts";
import { answerJson, onOneLine } from "../answer.ts";
import type { Call, Handler, Services } from "../services.ts";
import { exitCodeOf, type Failure, failureOf, OutputFull, problemOf } from "./command-end.ts";
import { inputOf } from "./command-input.ts";
import { answerLines } from "./command-lines.ts";
import { joinedOutput, jsonOutput, readOutput } from "./command-output.ts";
import type { StartedRun } from "./started-run.ts";

const TEXT = "text/plain; charset=utf-8";
const LINES_TYPE = "application/x-ndjson";
const TRAILERS = "skiff-exit-code, skiff-duration-ms, skiff-error";
/** Lines of the output in the problem of a command that was ended. */
const LINES = 20;

/** `GET|POST /exec?image=&cmd=`: runs a command. By `Accept` its output comes as text or as lines of JSON, or in one JSON at the end. */
export function runCommand(services: Services): Handler {
  const { commandRules = NO_COMMANDS, limits, commandRuns } = services;
  return async (ctx) => {
    refuseLinks(ctx, services);
    const asked = readOrder({ query: ctx.querystring, rawHeaders: ctx.req.rawHeaders }, limits);
    checkCommand(commandRules, asked.image);
    if (asked.pullSecret !== undefined) await checkSecret(ctx, asked.pullSecret, services);
    const form = ctx.accepts("text/plain", "application/json", LINES_TYPE) || TEXT;
    ctx.vary("accept");
    ctx.status = 200;
    // A HEAD request checks what a GET would run.
    if (ctx.method === "HEAD") return ctx.set("content-type", form === "text/plain" ? TEXT : form);
    const stop = new AbortController();
    const input = inputOf(ctx.req, limits, (reason) => stop.abort(reason));
    const order = { ...asked, input };
    const what = onOneLine([order.image, ...order.command.slice(0, 1)].join(" "));
    ctx.state.audited = { target: "exec", detail: what };
    const left = clientSignal(ctx.res);
    left.addEventListener("abort", () => stop.abort(left.reason), { once: true });
    const running = await commandRuns.start(order, stop.signal);
    const ended = running.ended.then((end) => {
      // The rest of a body that the command did not read would block the connection.
      ctx.req.unpipe().resume();
      services.print(`ran ${what} in ${formatMs(end.durationMs)}: ${outcome(end)}`);
      return end;
    });
    ended.catch((error: Error) => services.print(`${what} may have left something: ${error.message}`));
    const run = { order, running, stop, ended };
    if (form === "application/json") answerJson(ctx, await resultOf(run, services));
    else if (form === LINES_TYPE) answerLines(ctx, run, limits);
    else await answerText(ctx, run, services);
  };
}

/** Without a token, whoever makes somebody follow a link would run commands. @throws Problem `forbidden` */
function refuseLinks(ctx: Call, { access }: Services): void {
  if (access.mode === "token" || ctx.get("sec-fetch-mode") !== "navigate") return;
  const detail = "Without a token a browser runs no command: use a program such as curl or skiff exec.";
  throw new Problem("forbidden", detail);
}

/** @throws Problem `insufficient_scope`, `unknown_secret` */
async function checkSecret({ state }: Call, name: string, { platform }: Services): Promise<void> {
  // The registry learns its value, so the caller must be one who may give it to a function. The one who asked for a
  // command that had to wait was checked before.
  if (state.principal.keyId !== INTERNAL_KEY_ID) requireScope(state.principal, "deploy");
  // An image that is here already is not pulled.
  if ((await platform.secrets.describe(name)) === undefined) throw unknownSecret(name);
}

function outcome(end: CommandEnd): string {
  return end.because ?? `exit code ${exitCodeOf(end)}`;
}

async function resultOf({ order, running, stop, ended }: StartedRun, { limits }: Services): Promise<object> {
  const kept = { keptBytes: limits.resultBytes, mostBytes: limits.execOutputBytes };
  const written = await readOutput(running, kept, () => stop.abort(new OutputFull()));
  const end = await ended;
  const failure = failureOf(end, stop.signal.reason);
  if (failure !== undefined && failure !== "output_too_large") {
    const log = lastLines(`${written.output}${written.errors ?? ""}`);
    throw problemOf(failure, order, { reason: stop.signal.reason, log });
  }
  return {
    ...(failure === undefined ? { exitCode: exitCodeOf(end) } : { error: failure }),
    durationMs: Math.round(end.durationMs),
    ...jsonOutput(written),
    truncated: written.truncated || failure !== undefined,
  };
}

function lastLines(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  return text.trim() === "" ? [] : lines.slice(-LINES).map((line) => line.slice(0, 1_000));
}

/** The head waits for the first byte of output, so that an end before it can be a problem document. */
async function answerText(ctx: Call, run: StartedRun, services: Services): Promise<void> {
  const { order, stop } = run;
  const output = outputOf(ctx, run, services);
  const first = await output.next();
  if (first.done && first.value !== undefined && first.value !== "output_too_large")
    throw problemOf(first.value, order, { reason: stop.signal.reason });
  ctx.set({ "content-type": TEXT, "x-accel-buffering": "no" });
  // A client of HTTP/1.0 gets no trailers, and Node throws where they are declared without chunks.
  if (ctx.req.httpVersion !== "1.0") ctx.set("trailer", TRAILERS);
  ctx.body = Readable.from(prepend(first, output), { objectMode: false });
}

async function* prepend(
  first: IteratorResult<Uint8Array, unknown>,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** Yields the output up to its limit, then sets the trailers and returns why the command was ended. */
async function* outputOf(
  ctx: Call,
  { running, stop, ended }: StartedRun,
  { limits }: Services,
): AsyncGenerator<Uint8Array, Failure | undefined> {
  let room = limits.execOutputBytes;
  for await (const chunk of joinedOutput(running) as AsyncIterable<Buffer>) {
    if (chunk.length > room) {
      if (room > 0) yield chunk.subarray(0, room);
      stop.abort(new OutputFull());
      break;
    }
    room -= chunk.length;
    yield chunk;
  }
  const end = await ended;
  // The client has time to read the rest.
  ctx.res.setTimeout(limits.streamIdleMs, () => ctx.res.destroy());
  const failure = failureOf(end, stop.signal.reason);
  const exitCode = exitCodeOf(end);
  ctx.res.addTrailers({
    ...(exitCode === undefined ? {} : { "skiff-exit-code": String(exitCode) }),
    "skiff-duration-ms": String(Math.round(end.durationMs)),
    ...(failure === undefined ? {} : { "skiff-error": failure }),
  });
  return failure;
}
