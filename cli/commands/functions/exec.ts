import type { Command } from "commander";
import type { HttpAnswer } from "../../api/http.ts";
import { EXIT } from "../../failure.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "./setting-options.ts";

interface ExecOptions {
  readonly env?: readonly string[];
  readonly timeout?: string;
  readonly memory?: string;
  readonly pullSecret?: string;
}

interface Result {
  readonly exitCode?: number;
  readonly error?: string;
}

const EXAMPLES = `
Examples:
  skiff exec alpine:3.20 -- df -h
  echo '{"a": 1}' | skiff exec ghcr.io/jqlang/jq -- jq .a
  skiff exec -e NAME=value host -- sh -c 'echo $NAME'   (a program of the machine of Skiff)`;

export function addExec(program: Command, surroundings: Surroundings): void {
  program
    .command("exec")
    .summary("run a command in an image")
    .description(
      "Runs one command in an image and prints its output while it runs. Standard input is passed on. The exit code is that of the command.",
    )
    .argument("<image>", "image, or host for the sandbox of the machine of Skiff")
    .argument("[command...]", "program and arguments, after --; by default those of the image")
    .option("-e, --env <variable>", "variable, as NAME=VALUE", collect)
    .option("--timeout <time>", "longest run, such as 10s")
    .option("--memory <size>", "memory, such as 64Mi")
    .option("--pull-secret <name>", "secret USER:PASSWORD for the registry")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runExec));
}

async function runExec(
  { api, options, out, surroundings }: Task<ExecOptions>,
  image: string,
  command: readonly string[],
): Promise<number> {
  const { timeout, memory, pullSecret, env = [] } = options;
  const { stdin } = surroundings;
  const input = stdin.isTTY ? undefined : stdin;
  const ending = new AbortController();
  const answer = await api.open("/exec", {
    method: input === undefined ? "GET" : "POST",
    query: { image, arg: command, timeout, memory, "pull-secret": pullSecret },
    headers: {
      ...Object.fromEntries(env.map(fieldOf)),
      accept: out.json ? "application/json" : "text/plain",
    },
    ...(input === undefined ? {} : { body: input }),
    signal: ending.signal,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    if (out.json) chunks.push(chunk);
    else out.write(chunk);
  }
  const result = out.json ? (JSON.parse(Buffer.concat(chunks).toString()) as Result) : resultIn(answer);
  // The command may have ended before its input.
  input?.unpipe().pause();
  ending.abort();
  out.result(result, () => []);
  if (result.error === undefined && result.exitCode !== undefined) return result.exitCode;
  out.note(`${out.styleNote("red", "error:")} Skiff ended the command: ${result.error ?? "unknown"}.`);
  return EXIT.unavailable;
}

function resultIn({ body: { trailers } }: HttpAnswer): Result {
  const { "skiff-exit-code": code, "skiff-error": error } = trailers;
  return {
    ...(code === undefined ? {} : { exitCode: Number(code) }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Returns the header field of a variable. @throws UsageError */
function fieldOf(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1) throw new UsageError(`--env ${text} is not a variable: use NAME=VALUE.`);
  if (!/[A-Z]/.test(name)) {
    throw new UsageError(
      `--env ${text}: commands get names with a capital letter only, such as ${name.toUpperCase()}.`,
    );
  }
  if (/[\0\r\n]/.test(value)) throw new UsageError(`--env ${name}: a value has no line breaks.`);
  // Node writes fields as ISO 8859-1.
  return [`X-Skiff-Env-${name}`, Buffer.from(value).toString("latin1")];
}
