import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { shortCommit } from "../../output/short-commit.ts";
import { printWarnings } from "../../output/warnings.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

interface RolledBack {
  readonly version: number;
  readonly commit?: string;
  readonly warnings?: readonly string[];
}

export function addRollback(program: Command, surroundings: Surroundings): void {
  program
    .command("rollback")
    .summary("send the calls to an earlier version")
    .description(
      "Sends all calls to the version that had them before, or to another one. A commit whose version is gone is deployed again.",
    )
    .argument("<function>", "name of the function")
    .option("--to <version>", "the version, or digits of a commit of its git repository")
    .option("--if-version <n>", "only if this is the current version")
    .addHelpText(
      "after",
      "\nExamples:\n  skiff rollback hello\n  skiff rollback hello --to 3\n  skiff rollback hello --to 4f2c1d9",
    )
    .action(action(surroundings, runRollback));
}

async function runRollback(
  { api, options, out }: Task<{ to?: string; ifVersion?: string }>,
  name: string,
): Promise<void> {
  const { to, ifVersion } = options;
  const headers = ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` };
  const answer = await api.json<RolledBack>(functionPath(name, "/rollback"), {
    method: "POST",
    query: { to },
    headers,
  });
  out.result(answer, () => [
    `All calls of ${name} go to version ${answer.version}.`,
    ...(answer.commit === undefined ? [] : [`Its branch is at ${shortCommit(answer.commit)}.`]),
  ]);
  printWarnings(out, answer.warnings);
}
