import type { Command } from "commander";
import { table } from "../../output/table.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { collect } from "../functions/setting-options.ts";
import { type Declared, listDeclared, putDeclared, removing, showing, stateCell } from "./declared.ts";

interface CreateOptions {
  readonly path?: readonly string[];
  readonly replyTimeout?: string;
  readonly access?: string;
  readonly keepFor?: string;
  readonly keepBytes?: string;
  readonly maxEvent?: string;
}

const EXAMPLES = `
Examples:
  skiff topics
  skiff topics create orders --keep-for 24h
  skiff topics create site --path /site --access public
  skiff topics show orders`;

export function addTopics(program: Command, surroundings: Surroundings): void {
  const topics = program
    .command("topics")
    .summary("show and declare topics")
    .description("Shows topics with their events and groups, declares and removes them.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  topics
    .command("list", { isDefault: true })
    .description("Lists the topics.")
    .action(action(surroundings, listTopics));
  topics
    .command("show")
    .description("Shows a topic and its state.")
    .argument("<topic>", "name of the topic")
    .action(action(surroundings, showing("topic")));
  topics
    .command("create")
    .alias("put")
    .description("Creates a topic, or replaces what it says.")
    .argument("<topic>", "name of the topic")
    .option("--path <path>", "requests below /gateway with this beginning are published here", collect)
    .option("--reply-timeout <time>", "longest wait of the gateway for a reply; 0s answers at once")
    .option("--access <access>", "who may publish: key (default) or public")
    .option("--keep-for <time>", "age of kept events, such as 24h")
    .option("--keep-bytes <size>", "bytes of kept events, such as 100Mi")
    .option("--max-event <size>", "most bytes of an event, such as 64Ki")
    .action(action(surroundings, createTopic));
  topics
    .command("delete")
    .alias("remove")
    .description("Removes topics with their events.")
    .argument("<topics...>", "names of the topics")
    .action(action(surroundings, removing("topic")));
}

async function listTopics({ api, out }: Task): Promise<void> {
  const topics = await listDeclared(api, "topic");
  out.result({ topics }, () =>
    table([
      ["NAME", "EVENTS", "PUBLISHED", "GROUPS"].map((head) => out.style("bold", head)),
      ...topics.map((topic) => [
        ...[topic.name, stateCell(topic, "events"), stateCell(topic, "published"), groupsOf(topic)],
      ]),
    ]),
  );
  if (topics.length === 0 && !out.json)
    out.note("There are no topics. `skiff subscribe TOPIC --function NAME` makes one.");
}

/** `billing (lag 3), mail (lag 0)` */
function groupsOf({ state }: Declared): string {
  const groups = (state?.groups ?? []) as readonly { readonly group: string; readonly lag: number }[];
  return groups.map(({ group, lag }) => `${group} (lag ${lag})`).join(", ") || "-";
}

async function createTopic(task: Task<CreateOptions>, name: string): Promise<void> {
  const { path, replyTimeout, access, keepFor, keepBytes, maxEvent } = task.options;
  const spec = { paths: path, replyTimeout, access, keepFor, keepBytes, maxEvent };
  await putDeclared(task, "topic", { name, spec });
}
