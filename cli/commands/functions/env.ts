import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Command } from "commander";
import { type FunctionDescription, functionPath } from "../../api/functions.ts";
import { shown } from "../../output/output.ts";
import type { Deployed } from "../../source/deploy.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { variable } from "./setting-options.ts";

const EXAMPLES = `
Examples:
  skiff env hello                          (lists names, never values)
  skiff env set hello GREETING=hi LEVEL=2
  skiff env set hello --file .env
  skiff env unset hello LEVEL`;

export function addEnv(program: Command, surroundings: Surroundings): void {
  const env = program
    .command("env")
    .summary("list, set and remove variables of a function")
    .description(
      "Lists, sets and removes the environment variables of a function. A change deploys a new version.",
    )
    .addHelpText("after", EXAMPLES);
  env
    .command("list", { isDefault: true })
    .description("Lists the names of the variables. Values are never shown.")
    .argument("<function>", "name of the function")
    .action(action(surroundings, listVariables));
  env
    .command("set")
    .description("Sets variables. `NAME` alone takes its value from the environment of this command.")
    .argument("<function>", "name of the function")
    .argument("[variables...]", "NAME=VALUE or NAME")
    .option("--file <path>", "a file of NAME=VALUE lines, such as .env")
    .action(action(surroundings, setVariables));
  env
    .command("unset")
    .description("Removes variables.")
    .argument("<function>", "name of the function")
    .argument("<variables...>", "names")
    .action(action(surroundings, unsetVariables));
}

async function listVariables({ api, out }: Task, name: string): Promise<void> {
  const { settings } = await api.json<FunctionDescription>(functionPath(name));
  const names = Object.keys(settings.env).sort();
  out.result({ env: names }, () => names.map(shown));
}

async function setVariables(
  task: Task<{ file?: string }>,
  name: string,
  given: readonly string[],
): Promise<void> {
  const { env, cwd } = task.surroundings;
  const { file } = task.options;
  const fromFile = file === undefined ? {} : parseEnv(readText(resolve(cwd, file)));
  const named = given
    .map((text) => variable(text, env))
    .map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]);
  const all = { ...fromFile, ...Object.fromEntries(named) };
  if (Object.keys(all).length === 0)
    throw new UsageError("There is nothing to set: give NAME=VALUE, or --file.");
  await patch(task, name, all);
}

async function unsetVariables(task: Task, name: string, names: readonly string[]): Promise<void> {
  await patch(task, name, Object.fromEntries(names.map((each) => [each, null])));
}

async function patch({ api, out }: Task, name: string, env: object): Promise<void> {
  const deployed = await api.json<Deployed>(functionPath(name), { method: "PATCH", body: { env } });
  const { version, unchanged } = deployed;
  out.result(deployed, () => [unchanged ? `${name} is unchanged.` : `${name} is now version ${version}.`]);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--file cannot be read: ${(error as Error).message}.`);
  }
}
