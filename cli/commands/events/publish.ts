import type { Command } from "commander";
import { bytesOf } from "../../api/http.ts";
import { readData, readHeaders } from "../../input/request-parts.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "../functions/setting-options.ts";
import { topicPath } from "./declared.ts";

interface PublishOptions {
  readonly data?: string;
  readonly contentType?: string;
  readonly header?: readonly string[];
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  readonly id?: string;
  readonly attribute?: readonly string[];
  readonly replyTo?: string;
  readonly call?: boolean | string;
}

interface Published {
  readonly events: readonly { readonly id: string; readonly position: number }[];
}

const EXAMPLES = `
Examples:
  skiff publish orders -d '{"item": 3}'
  skiff publish orders -d @order.json --type order.created --attribute partitionkey=customer-17
  skiff publish questions -d 'how many?' --call      (prints the reply)`;

export function addPublish(program: Command, surroundings: Surroundings): void {
  program
    .command("publish")
    .summary("publish an event to a topic")
    .description("Publishes an event to a topic, and prints its id.")
    .argument("<topic>", "name of the topic")
    .option("-d, --data <data>", "data of the event; @FILE reads a file, @- standard input")
    .option("--content-type <type>", "type of the data; JSON if it is JSON, else text")
    .option(
      "-H, --header <header>",
      "header of the request, such as 'ce-time: 2026-12-01T08:00:00Z'",
      collect,
    )
    .option("--type <type>", "type of the event, such as order.created")
    .option("--source <source>", "where it happened")
    .option("--subject <subject>", "what it is about")
    .option("--id <id>", "id of the event: with the same source it is published once")
    .option("--attribute <name=value>", "another attribute; repeat it for several", collect)
    .option("--reply-to <topic>", "topic for the events that subscribers answer")
    .option("--call [time]", "wait for the reply of a subscriber, for 30s by default, and print it")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runPublish));
}

async function runPublish(task: Task<PublishOptions>, topic: string): Promise<void> {
  const { api, options, out, surroundings } = task;
  const body = (await readData(options.data, surroundings)) ?? Buffer.alloc(0);
  const request = { method: "POST", body, headers: headersOf(options, body) };
  if (options.call !== undefined && options.call !== false) {
    const timeout = options.call === true ? undefined : options.call;
    const reply = await api.open(topicPath(topic, "/call"), { ...request, query: { timeout } });
    const bytes = await bytesOf(reply);
    if (out.json)
      out.result({ status: reply.status, headers: reply.headers, body: bytes.toString() }, () => []);
    else out.write(bytes);
    return;
  }
  const published = await api.json<Published>(topicPath(topic), request);
  out.result(published, () => published.events.map(({ id }) => id));
  if (out.json) return;
  for (const { position } of published.events) out.note(`It has position ${position} in ${topic}.`);
}

function headersOf(options: PublishOptions, body: Buffer): Record<string, string> {
  const { type, source, subject, id, attribute = [], replyTo, contentType, header } = options;
  const named = Object.entries({ type, source, subject, id }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const attributes = [...named, ...attribute.map(pairOf)].map(
    ([name, value]) => [`ce-${name}`, percentEncoded(value)] as const,
  );
  const dataType =
    contentType ?? (body.length === 0 ? undefined : isJson(body) ? "application/json" : "text/plain");
  return {
    ...(dataType === undefined ? {} : { "content-type": dataType }),
    ...(replyTo === undefined ? {} : { "reply-to": replyTo }),
    ...Object.fromEntries(attributes),
    ...readHeaders(header),
  };
}

/** As headers of events are encoded (CloudEvents 1.0.2, HTTP protocol binding 3.1.3.2). */
function percentEncoded(text: string): string {
  return text.replaceAll(/[^!#$&-~]/gu, (character) => encodeURIComponent(character));
}

function pairOf(text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([a-z0-9]+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new UsageError(
    `--attribute ${text} is not an attribute: use NAME=VALUE, with a name of a-z and 0-9.`,
  );
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}
