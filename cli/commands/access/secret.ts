import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import { askHidden } from "../../input/ask-hidden.ts";
import { shown } from "../../output/output.ts";
import { pairs, table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

interface Secret {
  readonly name: string;
  readonly version: number;
  readonly updatedAt?: string;
}

interface DescribedSecret extends Secret {
  readonly versions: readonly { readonly version: number; readonly createdAt: string }[];
  readonly functions: readonly { readonly name: string; readonly version: number }[];
}

interface PutSecret extends Secret {
  readonly unchanged: boolean;
  readonly functions: readonly { readonly name: string; readonly version: number }[];
  readonly failed: readonly { readonly name: string; readonly detail: string }[];
}

const EXAMPLES = `
Examples:
  skiff secret put db-password             (asks for the value)
  skiff secret put db-password < password.txt
  skiff deploy shop.ts --secret db-password`;

export function addSecret(program: Command, surroundings: Surroundings): void {
  const secret = program
    .command("secret")
    .summary("store values that functions get and nobody reads back")
    .description("Stores secrets. Functions get them as variables. A value is never shown.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  secret
    .command("list", { isDefault: true })
    .description("Lists the secrets.")
    .action(action(surroundings, listSecrets));
  secret
    .command("put")
    .description(
      "Stores a value: typed, or from standard input or a file. One line end at its end is left out.",
    )
    .argument("<secret>", "name of the secret")
    .option("--file <path>", "take the file as it is, line ends included")
    .action(action(surroundings, putSecret));
  secret
    .command("describe")
    .description("Shows the versions of a secret and the functions that use it.")
    .argument("<secret>", "name of the secret")
    .action(action(surroundings, describeSecret));
  secret
    .command("delete")
    .description("Removes a secret.")
    .argument("<secret>", "name of the secret")
    .option("--force", "although functions ask for it")
    .action(action(surroundings, deleteSecret));
}

async function listSecrets({ api, out }: Task): Promise<void> {
  const secrets = await api.all<Secret>("/secret", "secrets");
  const now = Date.now();
  out.result({ secrets }, () =>
    table([
      ["NAME", "VERSION", "CHANGED"].map((head) => out.style("bold", head)),
      ...secrets.map(({ name, version, updatedAt }) => [name, String(version), ago(updatedAt, now)]),
    ]),
  );
}

async function putSecret(task: Task<{ file?: string }>, name: string): Promise<number> {
  const { api, out } = task;
  const body = await readValue(task);
  const answer = await api.json<PutSecret>(path(name), {
    method: "PUT",
    body,
    headers: { "content-type": "application/octet-stream" },
  });
  const { version, unchanged, functions, failed } = answer;
  out.result(answer, () => [
    unchanged ? `${name} is unchanged, version ${version}.` : `${name} is now version ${version}.`,
    ...functions.map((each) => `${each.name} runs with it as version ${each.version}.`),
  ]);
  for (const each of failed) {
    if (!out.json)
      out.note(
        `${out.styleNote("red", "error:")} ${each.name} goes on with the value before: ${shown(each.detail)}`,
      );
  }
  return failed.length === 0 ? 0 : 3;
}

async function readValue({ options, surroundings }: Task<{ file?: string }>): Promise<Uint8Array> {
  const { stdin, stderr, cwd } = surroundings;
  if (options.file !== undefined) {
    try {
      return readFileSync(resolve(cwd, options.file));
    } catch (error) {
      throw new UsageError(`--file cannot be read: ${(error as Error).message}.`);
    }
  }
  const value = stdin.isTTY ? Buffer.from(await askHidden("Value: ", stdin, stderr)) : await buffer(stdin);
  const end = /\r?\n$/.exec(value.toString("latin1"))?.[0].length ?? 0;
  return value.subarray(0, value.length - end);
}

async function describeSecret({ api, out }: Task, name: string): Promise<void> {
  const found = await api.json<DescribedSecret>(path(name));
  const now = Date.now();
  out.result(found, () =>
    pairs([
      ["name", found.name],
      ["version", String(found.version)],
      ["kept", found.versions.map((each) => `${each.version} (${ago(each.createdAt, now)})`).join(", ")],
      [
        "functions",
        found.functions.map(({ name: user, version }) => `${user}@${version}`).join(", ") || "none",
      ],
    ]),
  );
}

async function deleteSecret({ api, options, out }: Task<{ force?: boolean }>, name: string): Promise<void> {
  const answer = await api.json(path(name), { method: "DELETE", query: { force: options.force } });
  out.result(answer, () => [`Deleted ${name}.`]);
}

function path(name: string): string {
  return `/secret/${encodeURIComponent(name)}`;
}
