import { resolve } from "node:path";
import type { Command } from "commander";
import { duration } from "../../output/time.ts";
import { printWarnings } from "../../output/warnings.ts";
import { deploy } from "../../source/deploy.ts";
import { nameFromPath, readSource } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { addSettingOptions, type SettingOptions, settingFields } from "./setting-options.ts";

type DeployOptions = SettingOptions & {
  readonly name?: string;
  readonly message?: string;
  readonly traffic?: string;
  readonly ifVersion?: string;
};

const EXAMPLES = `
Examples:
  skiff deploy hello.ts
  skiff deploy ./shop --memory 256Mi --env GREETING=hello
  skiff deploy hello.ts --message "Greet by name" --traffic 0`;

export function addDeploy(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("deploy")
    .summary("deploy a file or a folder")
    .description(
      "Deploys a module with the files that it imports, a folder, or an archive. Prints the URL of the function.",
    )
    .argument("[path]", "a module, a folder, or an archive (tar, tar.gz, zip)", ".")
    .option("-n, --name <name>", "name of the function; by default that of the file or folder")
    .option("-m, --message <text>", "why: kept with the version")
    .option("--traffic <percent>", "share of the calls that it takes; 0 deploys a preview")
    .option("--if-version <n>", "deploy only if this is the current version");
  addSettingOptions(command).addHelpText("after", EXAMPLES).action(action(surroundings, runDeploy));
}

async function runDeploy(task: Task<DeployOptions>, path: string): Promise<void> {
  const { options, surroundings, out, api } = task;
  const file = resolve(surroundings.cwd, path);
  const name = options.name ?? nameFromPath(file);
  const fields = settingFields(options, surroundings.env);
  const source = await readSource(file, surroundings.cwd);
  const { message, traffic, ifVersion } = options;
  const started = performance.now();
  const clock = setInterval(() => {
    out.progress(`Deploying ${name}: ${duration(performance.now() - started)}`);
  }, 100);
  const deployed = await deploy(api, {
    name,
    source,
    fields,
    query: { message, traffic },
    ifVersion,
  }).finally(() => {
    clearInterval(clock);
    out.progress("");
  });
  out.result(deployed, () => [deployed.url]);
  if (out.json) return;
  printWarnings(out, deployed.warnings);
  const { created, unchanged, version } = deployed;
  const did = unchanged ? "Unchanged" : created ? "Created" : "Updated";
  out.note(
    `${out.styleNote("green", did)} ${name}, version ${version}, in ${duration(performance.now() - started)}`,
  );
}
