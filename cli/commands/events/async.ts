import type { Command } from "commander";
import { callPath, endedCall } from "../../api/calls.ts";
import { bytesOf } from "../../api/http.ts";
import { EXIT, exitCodeOf } from "../../failure.ts";
import { readData, readHeaders } from "../../input/request-parts.ts";
import { shown } from "../../output/output.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "../functions/setting-options.ts";

interface AsyncOptions extends Readonly<Record<string, unknown>> {
  readonly request?: string;
  readonly data?: string;
  readonly header?: readonly string[];
  readonly idempotencyKey?: string;
  readonly wait?: boolean | string;
}

/** Options of the call, which the API takes as headers `skiff-NAME`. */
const CALL_OPTIONS: readonly (readonly [flag: string, description: string])[] = [
  ["delay <time>", "time until the first attempt, such as 30s or 2h"],
  ["at <time>", "time of the first attempt, such as 2026-12-01T08:00:00Z"],
  ["priority <n>", "from -9 to 9; calls with a higher one go first"],
  ["key <key>", "calls with the same key run one at a time, in order"],
  ["callback <url>", "gets the outcome"],
  ["attempts <n>", "most attempts"],
  ["backoff <time>", "longest wait after the first attempt; it doubles with each"],
  ["max-age <time>", "age at which no further attempt starts"],
  ["retry-on <outcomes>", "what is tried again, such as 429,5xx,connection"],
];

const EXAMPLES = `
Examples:
  skiff async report
  skiff async resize/large -d @photo.jpg --attempts 3
  skiff async orders -d '{"item": 3}' --key customer-17 --idempotency-key order-3
  skiff async report --wait             (prints the answer)`;

export function addAsync(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("async")
    .summary("call a function asynchronously")
    .description("Stores a call, which Skiff makes and tries again. Prints its id.")
    .argument("<function[/path]>", "name of the function, or NAME@VERSION, with a path and a query")
    .option("-X, --request <method>", "method: POST by default")
    .option("-d, --data <data>", "body; @FILE reads a file, @- standard input")
    .option("-H, --header <header>", "header, such as 'accept: text/html'", collect)
    .option("--idempotency-key <key>", "a repeated command with the same key is the same call")
    .option("--wait [time]", "wait for the end, for 5m by default, and print the answer");
  for (const [flag, description] of CALL_OPTIONS) command.option(`--${flag}`, description);
  command.addHelpText("after", EXAMPLES).action(action(surroundings, runAsync));
}

async function runAsync(task: Task<AsyncOptions>, target: string): Promise<number> {
  const { api, options, out, surroundings } = task;
  const waitMs = waitOf(options.wait);
  const accepted = await api.json<{ id: string }>(`/async/fn/${target.replace(/^\/+/, "")}`, {
    method: options.request ?? "POST",
    body: (await readData(options.data, surroundings)) ?? Buffer.alloc(0),
    keyField: "x-skiff-key",
    headers: { ...optionHeaders(options), ...readHeaders(options.header) },
  });
  if (waitMs === undefined) {
    out.result(accepted, () => [accepted.id]);
    if (!out.json) out.note(`The call waits. \`skiff calls show ${accepted.id}\` shows what becomes of it.`);
    return EXIT.ok;
  }
  const call = await endedCall(api, accepted.id, AbortSignal.timeout(waitMs));
  const { answer, state, reason } = call;
  if (out.json) out.result(call, () => []);
  else if (answer !== undefined) out.write(await bytesOf(await api.open(callPath(call.id, "/result"), {})));
  if (state === "done") return EXIT.ok;
  out.note(
    `${out.styleNote("red", "error:")} The call ${call.id} is ${state}: ${shown(reason ?? "no reason is known.")}`,
  );
  return answer === undefined ? EXIT.unavailable : exitCodeOf(answer.status);
}

function optionHeaders(options: AsyncOptions): Record<string, string> {
  const given = CALL_OPTIONS.flatMap(([flag]) => {
    const name = flag.split(" ")[0]!;
    const value = options[name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? [] : [[`skiff-${name}`, String(value)] as const];
  });
  const { idempotencyKey } = options;
  return {
    // With an option in a header the function gets the whole query.
    "skiff-priority": "0",
    ...Object.fromEntries(given),
    ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
  };
}

const MINUTES = 60_000;

/** Undefined without `--wait`. */
function waitOf(text: boolean | string | undefined): number | undefined {
  if (text === undefined || text === false) return undefined;
  if (text === true) return 5 * MINUTES;
  const [, amount, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const ms =
    Number(amount) * ({ s: 1_000, m: MINUTES, h: 60 * MINUTES }[unit as "s" | "m" | "h"] ?? Number.NaN);
  if (ms > 0 && ms <= 24 * 60 * MINUTES) return ms;
  throw new UsageError(`--wait ${text} is not a time: use one such as 30s, 5m or 2h.`);
}
