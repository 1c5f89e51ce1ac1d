import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { shown } from "../../output/output.ts";
import { shortCommit } from "../../output/short-commit.ts";
import { table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

interface Version {
  readonly version: number;
  readonly createdAt: string;
  readonly by?: string;
  readonly message?: string;
  readonly commit?: string;
  readonly sourceBytes: number;
  readonly pinned: boolean;
  /** Part of the calls that it takes, from 0 to 1. */
  readonly share: number;
}

const EXAMPLES = `
Examples:
  skiff versions hello
  skiff versions pin hello 3      (keeps it although it is old)`;

export function addVersions(program: Command, surroundings: Surroundings): void {
  const versions = program
    .command("versions")
    .summary("list the versions of a function")
    .description(
      "Lists the kept versions of a function: what was deployed when, by whom, and its share of the calls.",
    )
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  versions
    .command("list", { isDefault: true })
    .description("Lists the kept versions, newest first.")
    .argument("<function>", "name of the function")
    .action(action(surroundings, listVersions));
  for (const [name, pinned, description] of [
    ["pin", true, "Keeps a version although newer ones are over the limit."],
    ["unpin", false, "Stops keeping a version."],
  ] as const) {
    versions
      .command(name)
      .description(description)
      .argument("<function>", "name of the function")
      .argument("<version>", "number of the version")
      .action(
        action(surroundings, (task: Task, of: string, version: string) => pin(task, { of, version, pinned })),
      );
  }
}

async function listVersions({ api, out }: Task, name: string): Promise<void> {
  const versions = await api.all<Version>(functionPath(name, "/versions"), "versions");
  out.result({ versions }, () => {
    const now = Date.now();
    return table([
      ["VERSION", "SHARE", "DEPLOYED", "BY", "MESSAGE"].map((head) => out.style("bold", head)),
      ...versions.map(({ version, share, createdAt, by, message, commit, pinned }) => [
        `${version}${pinned ? " pinned" : ""}`,
        share === 0 ? "-" : percentage(share),
        ago(createdAt, now),
        shown(by),
        shown([message, commit && shortCommit(commit)].filter(Boolean).join("  ")).replaceAll("\n", " "),
      ]),
    ]);
  });
}

interface Pin {
  readonly of: string;
  readonly version: string;
  readonly pinned: boolean;
}

async function pin({ api, out }: Task, { of, version, pinned }: Pin): Promise<void> {
  const path = functionPath(of, `/versions/${encodeURIComponent(version)}`);
  const answer = await api.json(path, { method: "PATCH", body: { pinned } });
  out.result(answer, () => [`Version ${version} of ${of} is ${pinned ? "pinned" : "no longer pinned"}.`]);
}

/** `12.5 %` */
export function percentage(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}
