import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { ApiProblem } from "../../api/problem.ts";
import { exitCodeOf } from "../../failure.ts";
import { type Output, shown } from "../../output/output.ts";
import { archive } from "../../source/archive.ts";
import { folderFiles } from "../../source/folder-files.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { colouredDiff } from "../versions/diff.ts";

interface AppliedChange {
  readonly name: string;
  readonly action: "create" | "update" | "unchanged" | "remove";
  readonly state: string;
  readonly version?: number;
  readonly url?: string;
  readonly problem?: { readonly detail?: string };
}

interface Applied {
  readonly functions: readonly AppliedChange[];
  readonly topics?: readonly AppliedChange[];
  readonly flows?: readonly AppliedChange[];
  readonly subscriptions?: readonly AppliedChange[];
  readonly schedules?: readonly AppliedChange[];
  readonly warnings?: readonly string[];
}

interface ApplyOptions {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly yes?: boolean;
  readonly name?: string;
  readonly message?: string;
}

const DONE = { create: "created", update: "updated", unchanged: "unchanged", remove: "removed" } as const;

/** A line of a plan that changes something. */
const CHANGE = /^. (?:create|update|remove) /m;

const EXAMPLES = `
Examples:
  skiff apply --dry-run           (shows what would change)
  skiff apply ./functions --prune --yes`;

export function addApply(program: Command, surroundings: Surroundings): void {
  program
    .command("apply")
    .summary("make what is deployed like a folder with a skiff.yaml")
    .description(
      `Compares a folder with what is deployed, shows the difference and carries it out. The second time it does
nothing. On a terminal it asks first.`,
    )
    .argument("[folder]", "folder with a skiff.yaml", ".")
    .option("--dry-run", "only show the difference")
    .option("--prune", "remove what the file does not have")
    .option("-y, --yes", "do not ask")
    .option("--name <name>", "name of the function, if the file describes one")
    .option("-m, --message <text>", "why: kept with the versions")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runApply));
}

async function runApply(task: Task<ApplyOptions>, given: string): Promise<number | undefined> {
  const { api, options, out, surroundings } = task;
  const { dryRun, prune, name, message } = options;
  const body = await archive(folderFiles(folderOf(resolve(surroundings.cwd, given))).files);
  const query = { prune, name, message };
  const post = (more: object, accept: string) => ({
    method: "POST",
    body,
    query: { ...query, ...more },
    headers: { accept },
  });
  if (!out.json) {
    const plan = await api.text("/apply", post({ dryRun: true }, "text/plain"));
    for (const line of colouredDiff(plan, out)) out.line(line);
    if (!CHANGE.test(plan)) return undefined;
  }
  if (dryRun && !out.json) return undefined;
  if (!dryRun && !(await isWanted(task))) throw new UsageError("Nothing was changed.");
  try {
    const applied = await api.json<Applied>("/apply", post({ dryRun }, "application/json"));
    out.result(applied, () => lines(applied, out));
    return undefined;
  } catch (error) {
    const isPartial = error instanceof ApiProblem && Array.isArray(error.document.functions) && !out.json;
    if (!isPartial) throw error;
    for (const line of lines(error.document as unknown as Applied, out)) out.line(line);
    return exitCodeOf(error.status);
  }
}

function lines({ functions, topics, flows, subscriptions, schedules }: Applied, out: Output): string[] {
  const named = (noun: string, changes: readonly AppliedChange[] = []) =>
    changes.map((change) => ({ ...change, name: `${noun}/${change.name}` }));
  const all = [
    ...functions,
    ...named("topic", topics),
    ...named("flow", flows),
    ...named("subscription", subscriptions),
    ...named("schedule", schedules),
  ];
  return all.map(({ name, action: kind, state, version, url, problem }) => {
    if (state === "failed") return `${out.style("red", `${name} failed:`)} ${shown(problem?.detail)}`;
    if (state !== "done") return `${name}: ${state}`;
    const more = kind === "remove" || version === undefined ? "" : `, version ${version}  ${url ?? ""}`;
    return `${name} ${DONE[kind]}${more}`;
  });
}

async function isWanted({ options, out, surroundings }: Task<ApplyOptions>): Promise<boolean> {
  const { stdin, stderr } = surroundings;
  if (options.yes || out.json || !stdin.isTTY) return true;
  const lines = createInterface({ input: stdin, output: stderr });
  const answer = await lines.question("Apply this? [y/N] ").finally(() => lines.close());
  return /^y(es)?$/i.test(answer.trim());
}

/** The file stands for its folder. */
function folderOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return path;
  if (stat !== undefined && /^(?:skiff\.ya?ml|functions\.ya?ml)$/.test(basename(path))) return dirname(path);
  throw new UsageError(`${path} is not a folder with a skiff.yaml.`);
}
