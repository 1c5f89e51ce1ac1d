import type { Command } from "commander";
import { type FunctionSummary, functionPath } from "../../api/functions.ts";
import type { Output, Style } from "../../output/output.ts";
import { shown } from "../../output/output.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

const COLOURS: Readonly<Record<string, Style>> = { "+": "green", "-": "red", "@": "cyan" };

const EXAMPLES = `
Examples:
  skiff diff hello          (the current version against the one before)
  skiff diff hello 3        (the current version against 3)
  skiff diff hello 3 5      (5 against 3)`;

export function addDiff(program: Command, surroundings: Surroundings): void {
  program
    .command("diff")
    .summary("compare two versions of a function")
    .description("Shows the difference of settings and source between two versions as a unified diff.")
    .argument("<function>", "name of the function")
    .argument("[from]", "the older version; by default the one before")
    .argument("[to]", "the newer version; by default the current one")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runDiff));
}

async function runDiff(
  task: Task,
  name: string,
  from: string | undefined,
  to: string | undefined,
): Promise<void> {
  const { api, out } = task;
  const version = to ?? String((await api.json<FunctionSummary>(functionPath(name))).version);
  const path = functionPath(name, `/versions/${encodeURIComponent(version)}/diff`);
  const diff = await api.text(path, { query: { from } });
  out.result({ diff }, () => colouredDiff(diff, out));
  if (diff === "" && !out.json) out.note("The versions are equal.");
}

/** Colours the lines of a unified diff. */
export function colouredDiff(diff: string, out: Output): string[] {
  const lines = diff.replace(/\n$/, "").split("\n");
  return diff === ""
    ? []
    : lines.map((line) => {
        const colour = /^(?:\+\+\+|---)/.test(line) ? "bold" : COLOURS[line[0] ?? ""];
        return colour === undefined ? shown(line) : out.style(colour, shown(line));
      });
}
