import type { Command } from "commander";
import { bytesOf, type HttpAnswer, send } from "../../api/http.ts";
import { ApiProblem, problemFrom } from "../../api/problem.ts";
import { exitCodeOf } from "../../failure.ts";
import { readData, readHeaders } from "../../input/request-parts.ts";
import { shown } from "../../output/output.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "./setting-options.ts";

interface CallOptions {
  readonly request?: string;
  readonly data?: string;
  readonly header?: readonly string[];
  readonly include?: boolean;
  readonly maxTime: string;
}

const NEWLINE = 0x0a;
/** Codes of answers whose reason is in the log. */
const LOGGED: ReadonlySet<string | undefined> = new Set([
  "function_error",
  "program_failed",
  "instance_failed",
]);

const EXAMPLES = `
Examples:
  skiff call hello
  skiff call 'hello/greet?name=Ada'
  skiff call orders -d '{"item": 3}' -H 'content-type: application/json'
  skiff call orders@4 -d @order.json      (version 4, also without traffic)`;

export function addCall(program: Command, surroundings: Surroundings): void {
  program
    .command("call")
    .summary("call a function")
    .description("Calls a function and prints its answer. The exit code is that of the status.")
    .argument("<function[/path]>", "name of the function, or NAME@VERSION, with a path and a query")
    .option("-X, --request <method>", "method: GET, or POST with --data")
    .option("-d, --data <data>", "body; @FILE reads a file, @- standard input")
    .option("-H, --header <header>", "header, such as 'accept: text/html'", collect)
    .option("-i, --include", "print the status and the headers as well")
    .option("--max-time <seconds>", "longest time for the call", "300")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runCall));
}

async function runCall(task: Task<CallOptions>, target: string): Promise<number> {
  const { api, options, out } = task;
  const body = await readData(options.data, task.surroundings);
  const headers = readHeaders(options.header);
  const { key } = api.place;
  const answer = await send({
    method: options.request ?? (body === undefined ? "GET" : "POST"),
    url: api.url(`/fn/${target.replace(/^\/+/, "")}`),
    // The first token of a Skiff would reach the function: only keys are taken out by Skiff.
    headers: { ...(key?.startsWith("sk_") ? { authorization: `Bearer ${key}` } : {}), ...headers },
    body,
    signal: AbortSignal.timeout(seconds(options.maxTime) * 1_000),
  });
  const { status } = answer;
  if (out.json) {
    const text = (await bytesOf(answer)).toString();
    out.result({ status, headers: answer.headers, body: text }, () => []);
  } else {
    if (options.include) for (const line of headLines(answer)) out.line(shown(line));
    if (status >= 400 && answer.headers["x-skiff-error"] === "platform")
      throw await platformProblem(answer, target);
    let last: number | undefined;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      out.write(chunk);
      last = chunk.at(-1) ?? last;
    }
    // The prompt of the shell begins a line.
    if (task.surroundings.stdout.isTTY && last !== undefined && last !== NEWLINE) out.line("");
  }
  return exitCodeOf(status);
}

/** A failure of the function is in its log. */
async function platformProblem(answer: HttpAnswer, target: string): Promise<ApiProblem> {
  const problem = problemFrom(answer.status, await bytesOf(answer));
  const { status, code, document } = problem;
  if (!LOGGED.has(code)) return problem;
  const [name] = target.replace(/^\/+/, "").split(/[/?@]/);
  const hint = `skiff logs ${name} --call ${document.callId} shows what it printed.`;
  return new ApiProblem(status, document, hint);
}

function headLines({ status, headers }: HttpAnswer): string[] {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => `${name}: ${each}`),
  );
  return [`HTTP/1.1 ${status}`, ...fields, ""];
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new UsageError(`--max-time ${text} is not a time: use seconds, up to 86400.`);
}
