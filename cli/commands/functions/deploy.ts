import { resolve } from "node:path";
import type { Command } from "commander";
import { duration } from "../../output/time.ts";
import { printWarnings } from "../../output/warnings.ts";
import { type DeployOrder, deploy } from "../../source/deploy.ts";
import { nameFromImage, nameFromPath, readSource } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { addSettingOptions, type SettingOptions, settingFields } from "./setting-options.ts";

type DeployOptions = SettingOptions & {
  readonly image?: string;
  readonly name?: string;
  readonly message?: string;
  readonly traffic?: string;
  readonly ifVersion?: string;
};

const EXAMPLES = `
Examples:
  skiff deploy hello.ts
  skiff deploy ./shop --memory 256Mi --env GREETING=hello
  skiff deploy hello.ts --message "Greet by name" --traffic 0
  skiff deploy sort.py --runtime program
  skiff deploy --image docker.io/library/busybox:1.37 --stdio --command 'wc -w'`;

export function addDeploy(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("deploy")
    .summary("deploy a file, a folder or an image")
    .description(
      `Deploys a module with the files that it imports, a program, a folder, an archive, or a container image.
Prints the URL of the function.`,
    )
    .argument("[path]", 'a file, a folder, or an archive (tar, tar.gz, zip); by default "."')
    .option("--image <image>", "a container image instead of a path, such as nginx:1.27")
    .option("-n, --name <name>", "name of the function; by default that of the file or folder")
    .option("-m, --message <text>", "why: kept with the version")
    .option("--traffic <percent>", "share of the calls that it takes; 0 deploys a preview")
    .option("--if-version <n>", "deploy only if this is the current version");
  addSettingOptions(command).addHelpText("after", EXAMPLES).action(action(surroundings, runDeploy));
}

/** @throws UsageError */
async function orderOf(
  options: DeployOptions,
  path: string | undefined,
  { cwd, env }: Surroundings,
): Promise<Pick<DeployOrder, "name" | "fields" | "source">> {
  const { image } = options;
  const fields = settingFields(options, env);
  if (image === undefined) {
    const file = resolve(cwd, path ?? ".");
    const source = await readSource(file, { cwd, fields });
    return { name: options.name ?? nameFromPath(file), fields, source };
  }
  if (path !== undefined) {
    throw new UsageError(`${path} and --image ${image} are two sources: leave one of them out.`);
  }
  return {
    name: options.name ?? nameFromImage(image),
    fields: [...fields, ["image", image]],
    source: undefined,
  };
}

async function runDeploy(task: Task<DeployOptions>, path: string | undefined): Promise<void> {
  const { options, surroundings, out, api } = task;
  const { name, fields, source } = await orderOf(options, path, surroundings);
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
