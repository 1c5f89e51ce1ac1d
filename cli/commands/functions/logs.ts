import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

interface LogOptions {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly raw?: boolean;
}

const EXAMPLES = `
Examples:
  skiff logs hello
  skiff logs hello -f --tail 20`;

export function addLogs(program: Command, surroundings: Surroundings): void {
  program
    .command("logs")
    .summary("print what a function printed")
    .description("Prints the log of a function: time, instance, stream and text of each line.")
    .argument("<name>", "name of the function")
    .option("-f, --follow", "go on until Ctrl-C")
    .option("-n, --tail <lines>", "last lines to begin with; 100 by default")
    .option("--raw", "keep control characters and escape sequences")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runLogs));
}

async function runLogs({ api, options, out }: Task<LogOptions>, name: string): Promise<void> {
  const { follow, tail, raw } = options;
  // It ends with the log; a followed one with the command.
  const signal = follow ? new AbortController().signal : AbortSignal.timeout(60_000);
  const answer = await api.open(functionPath(name, "/logs"), { query: { follow, tail, raw }, signal });
  for await (const chunk of answer.body) out.write(chunk as Buffer);
}
