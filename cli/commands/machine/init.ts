import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { starterFiles } from "../../init/starter-files.ts";
import { nameFromPath } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

export function addInit(program: Command, surroundings: Surroundings): void {
  program
    .command("init")
    .summary("make the folder of a new function")
    .description("Makes a folder with a function, the types of its context, a test, and a skiff.yaml.")
    .argument("[folder]", "folder of the function, which gives it its name", ".")
    .addHelpText("after", "\nExamples:\n  skiff init greeter")
    .action(action(surroundings, runInit));
}

function runInit({ surroundings: { cwd }, out }: Task, folder: string): void {
  const full = resolve(cwd, folder);
  const name = nameFromPath(full);
  const files = Object.entries(starterFiles());
  const present = files.map(([file]) => file).filter((file) => existsSync(join(full, file)));
  if (present.length > 0) {
    throw new UsageError(`${folder} has ${present.join(", ")} already: choose another folder.`);
  }
  mkdirSync(full, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(full, file), text);
  const from = relative(cwd, full) || ".";
  const written = files.map(([file]) => join(from, file));
  out.result({ name, files: written }, () => [
    ...written.map((file) => `created ${file}`),
    "",
    `skiff dev ${from}      run it here, and deploy it on every save`,
    `skiff deploy ${from}   deploy it to the Skiff that you use`,
    `npx deno test ${from}  run its test`,
  ]);
}
