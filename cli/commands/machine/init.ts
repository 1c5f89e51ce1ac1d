import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { PROGRAM_KINDS, type ProgramKind, programFiles } from "../../init/program-files.ts";
import { moduleFiles } from "../../init/starter-files.ts";
import { nameFromPath } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

type InitOptions = { readonly runtime: "deno" | ProgramKind };

const EXAMPLES = `
Examples:
  skiff init greeter
  skiff init counter --runtime python`;

/** Programs begin with `#!`. */
const SCRIPT = /^#!/;

export function addInit(program: Command, surroundings: Surroundings): void {
  program
    .command("init")
    .summary("make the folder of a new function")
    .description(
      `Makes a folder with a function and a skiff.yaml. For Deno it has a test and the types of its context, too.`,
    )
    .argument("[folder]", "folder of the function, which gives it its name", ".")
    .addOption(
      new Option("--runtime <kind>", "what the function is")
        .choices(["deno", ...PROGRAM_KINDS])
        .default("deno"),
    )
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runInit));
}

function runInit({ surroundings: { cwd }, out, options }: Task<InitOptions>, folder: string): void {
  const { runtime } = options;
  const full = resolve(cwd, folder);
  const name = nameFromPath(full);
  const files = Object.entries(runtime === "deno" ? moduleFiles() : programFiles(runtime, name));
  const present = files.map(([file]) => file).filter((file) => existsSync(join(full, file)));
  if (present.length > 0) {
    throw new UsageError(`${folder} has ${present.join(", ")} already: choose another folder.`);
  }
  mkdirSync(full, { recursive: true });
  for (const [file, text] of files) {
    writeFileSync(join(full, file), text, { mode: SCRIPT.test(text) ? 0o755 : 0o644 });
  }
  const from = relative(cwd, full) || ".";
  const written = files.map(([file]) => join(from, file));
  out.result({ name, files: written }, () => [
    ...written.map((file) => `created ${file}`),
    "",
    ...nextSteps(runtime, from),
  ]);
}

function nextSteps(runtime: InitOptions["runtime"], from: string): string[] {
  if (runtime === "image") return [`skiff apply ${from}   deploy it to the Skiff that you use`];
  return [
    `skiff dev ${from}      run it here, and deploy it on every save`,
    `skiff deploy ${from}   deploy it to the Skiff that you use`,
    ...(runtime === "deno" ? [`npx deno test ${from}  run its test`] : []),
  ];
}
