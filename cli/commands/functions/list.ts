import type { Command } from "commander";
import { listFunctions } from "../../api/functions.ts";
import { table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

export function addList(program: Command, surroundings: Surroundings): void {
  program
    .command("list")
    .alias("ls")
    .summary("list the functions")
    .description("Lists the functions with their current versions, ready instances and URLs.")
    .addHelpText("after", "\nExamples:\n  skiff list\n  skiff list --json")
    .action(action(surroundings, runList));
}

async function runList({ api, out }: Task): Promise<void> {
  const functions = await listFunctions(api);
  out.result({ functions }, () => {
    const now = Date.now();
    return table([
      ["NAME", "VERSION", "READY", "UPDATED", "URL"].map((head) => out.style("bold", head)),
      ...functions.map(({ name, version, ready, updatedAt, url }) => [
        ...[name, String(version), String(ready), ago(updatedAt, now), url],
      ]),
    ]);
  });
  if (functions.length === 0 && !out.json)
    out.note("There are no functions. Deploy one with `skiff deploy FILE`.");
}
