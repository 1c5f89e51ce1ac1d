import { resolve } from "node:path";
import type { Command } from "commander";
import type { Api } from "../../api/api.ts";
import { sourceForm } from "../../api/form.ts";
import { ApiProblem } from "../../api/problem.ts";
import { duration } from "../../output/time.ts";
import { type LocalSource, nameFromPath, readSource } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { addSettingOptions, type SettingOptions, settingFields } from "./setting-options.ts";

export interface Deployed {
  readonly name: string;
  readonly version: number;
  readonly url: string;
  readonly created: boolean;
  readonly unchanged: boolean;
  readonly warnings?: readonly string[];
}

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
  for (const warning of deployed.warnings ?? [])
    out.note(`${out.styleNote("yellow", "warning:")} ${warning}`);
  const { created, unchanged, version } = deployed;
  const did = unchanged ? "Unchanged" : created ? "Created" : "Updated";
  out.note(
    `${out.styleNote("green", did)} ${name}, version ${version}, in ${duration(performance.now() - started)}`,
  );
}

export interface DeployOrder {
  readonly name: string;
  readonly source: LocalSource;
  /** Settings. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** The version that must be current. */
  readonly ifVersion?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Deploys a source. @throws ApiProblem with the names that the files have on this machine */
export async function deploy(api: Api, order: DeployOrder): Promise<Deployed> {
  const { name, source, fields, query = {}, ifVersion, signal } = order;
  const isNamed = fields.some(([field]) => field === "entry");
  // An empty one resets that of a deploy before.
  const entry = isNamed || source.entry === undefined ? [] : [["entry", source.entry] as const];
  const { type, body } = sourceForm(source.bytes, [...fields, ...entry]);
  try {
    return await api.json<Deployed>(`/func/${encodeURIComponent(name)}`, {
      method: "PUT",
      query,
      headers: {
        "content-type": type,
        ...(ifVersion === undefined ? {} : { "if-match": ifVersion === "*" ? "*" : `"${ifVersion}"` }),
      },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw error instanceof ApiProblem ? withLocalNames(error, source) : error;
  }
}

/** Replaces the names of files in the source, with which places in errors begin, by the paths on this machine. */
function withLocalNames(problem: ApiProblem, { files }: LocalSource): ApiProblem {
  const { detail, errors } = problem.document;
  if (!Array.isArray(errors) || typeof detail !== "string") return problem;
  const local = (name: string) => files.get(name) ?? name;
  return new ApiProblem(problem.status, {
    ...problem.document,
    detail: detail.replaceAll(/^([^\s:]+)(?=:\d+:\d+: )/gm, local),
    errors: errors.map((each: { file: string }) => ({ ...each, file: local(each.file) })),
  });
}
