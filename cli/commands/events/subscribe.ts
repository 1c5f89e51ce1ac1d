import type { Command } from "commander";
import { followLines } from "../../api/log-lines.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "../functions/setting-options.ts";
import { putDeclared, topicPath } from "./declared.ts";

interface SubscribeOptions {
  readonly print?: boolean;
  readonly function?: string;
  readonly to?: string;
  readonly flow?: string;
  readonly path?: string;
  readonly group?: string;
  readonly from?: string;
  readonly orderBy?: string;
  readonly where?: readonly string[];
  readonly concurrency?: string;
  readonly replyTo?: string;
  readonly attempts?: string;
  readonly backoff?: string;
}

const EXAMPLES = `
Examples:
  skiff subscribe orders --function billing
  skiff subscribe orders mail --function mailer --where type=order.created --from earliest
  skiff subscribe orders --function stock --order-by partitionkey --attempts 3
  skiff subscribe orders --print                (events as they come, until Ctrl-C)`;

export function addSubscribe(program: Command, surroundings: Surroundings): void {
  program
    .command("subscribe")
    .summary("send the events of a topic to a function or a flow, or print them")
    .description(
      "Declares that a function, a URL or a flow gets the events of a topic. With --print shows them here instead.",
    )
    .argument("<topic>", "name of the topic")
    .argument("[name]", "name of the subscription; that of the function or flow and the topic by default")
    .option("--print", "print events as they come, one JSON object a line, until Ctrl-C")
    .option("--function <name>", "the function that gets the events")
    .option("--to <url>", "a URL that gets them instead")
    .option("--flow <name>", "the flow of which each event begins a run")
    .option("--path <path>", "path of the requests; / by default")
    .option("--group <name>", "subscriptions with the same group share the events")
    .option("--from <start>", "where it begins: latest (default), earliest or a time")
    .option(
      "--order-by <attribute>",
      "events with the same value of an attribute come one at a time, in order",
    )
    .option(
      "--where <name=value>",
      "only events with this value of an attribute; repeat it for several",
      collect,
    )
    .option("--concurrency <n>", "deliveries that run at a time; 32 by default")
    .option("--reply-to <topic>", "topic for the events that it answers")
    .option("--attempts <n>", "most attempts of a delivery")
    .option("--backoff <time>", "longest wait after the first attempt; it doubles with each")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runSubscribe));
}

async function runSubscribe(
  task: Task<SubscribeOptions>,
  topic: string,
  given: string | undefined,
): Promise<void> {
  const { options } = task;
  const { print, function: name, to: url, flow, from, orderBy, concurrency } = options;
  if (print) return printEvents(task, topic);
  if ([name, url, flow].filter((target) => target !== undefined).length !== 1) {
    throw new UsageError(
      "Name what gets the events: --function NAME, --to URL or --flow NAME; --print shows them here.",
    );
  }
  const retry = {
    ...(options.attempts === undefined ? {} : { attempts: wholeNumber("--attempts", options.attempts) }),
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
  };
  const { path, group, replyTo, where = [] } = options;
  const spec = {
    ...{ topic, function: name, url, flow, path, group, from, replyTo },
    ...(orderBy === undefined ? {} : { order: "key", orderBy }),
    ...(where.length === 0 ? {} : { filter: { exact: Object.fromEntries(where.map(pairOf)) } }),
    ...(concurrency === undefined ? {} : { concurrency: wholeNumber("--concurrency", concurrency) }),
    ...(Object.keys(retry).length === 0 ? {} : { retry }),
  };
  await putDeclared(task, "subscription", { name: given ?? defaultName(topic, name ?? flow), spec });
}

function defaultName(topic: string, name: string | undefined): string {
  if (name !== undefined) return `${name}-${topic}`;
  throw new UsageError("A subscription of a URL needs a name: skiff subscribe TOPIC NAME --to URL.");
}

async function printEvents({ api, options, out }: Task<SubscribeOptions>, topic: string): Promise<void> {
  const { from } = options;
  const events = followLines<object>(
    api,
    topicPath(topic, "/events"),
    { from },
    {
      // It ends with the command.
      signal: new AbortController().signal,
      onLost: ({ message }) => out.note(`${message} Trying again.`),
    },
  );
  for await (const event of events) out.line(JSON.stringify(event));
}

function pairOf(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--where ${text} names no value: use NAME=VALUE, such as type=order.created.`);
}

export function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} ${text} is not a whole number: write it like ${option} 3.`);
}
