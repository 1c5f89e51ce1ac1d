import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

export function addDelete(program: Command, surroundings: Surroundings): void {
  program
    .command("delete")
    .alias("rm")
    .summary("remove functions")
    .description("Removes functions with all their versions. Calls in flight may finish.")
    .argument("<functions...>", "names of the functions")
    .addHelpText("after", "\nExamples:\n  skiff delete hello\n  skiff delete hello cards")
    .action(action(surroundings, runDelete));
}

async function runDelete({ api, out }: Task, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const answer = await api.json(functionPath(name), { method: "DELETE" });
    out.result(answer, () => [`Deleted ${name}.`]);
  }
}
