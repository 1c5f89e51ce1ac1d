import type { ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import { START_VARIABLE, type StartMessage } from "../../../client-image/start-message.ts";
import {
  denoRunArguments,
  folderVariables,
  programArguments,
  projectVariables,
} from "../../../runtimes/deno/deno-flags.ts";
import type { LaunchPaths } from "../../../runtimes/runtime.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { PORT } from "./names.ts";
import {
  instanceContainer,
  literal,
  PARTS,
  type PodOptions,
  PROJECT,
  projectMounts,
  SCRATCH,
  START_MARK,
  variables,
} from "./pod-parts.ts";

/** Files of the pod; the image's DENO_DIR is in /work. */
export const RUNTIME = "/skiff/runtime.mjs";
export const BUNDLE = "/work/bundle.mjs";
export const FOLDERS = folderVariables(SCRATCH);

/** Builds the container of a function that Deno runs. */
export function denoContainer(record: VersionRecord, options: PodOptions): object {
  const { settings, project } = record;
  const artifact = artifactAt(project);
  const isProject = project !== undefined;
  // A project is unpacked before it starts. A module is joined by the runtime.
  const runtime = isProject ? { read: [], write: [] } : { read: [PARTS], write: [BUNDLE] };
  const sandbox = { settings, artifact, runtime, scratch: SCRATCH, listen: { port: PORT } };
  const flags = denoRunArguments({ ...sandbox, ownAddresses: [] });
  return {
    ...instanceContainer(settings, options),
    ...commandOf(record),
    args: [...flags, ...programArguments(RUNTIME, artifact)].map(literal),
    env: environment(record),
    volumeMounts: projectMounts(settings),
  };
}

function commandOf({ project, settings }: VersionRecord): { command?: string[] } {
  const own = project === undefined ? [] : ["/bin/sh", "/skiff/project.sh", PARTS, PROJECT];
  const deno = own.length === 0 ? ["deno"] : own;
  if (settings.isolation === "call") return { command: ["/bin/sh", "/skiff/once.sh", START_MARK, ...deno] };
  return own.length === 0 ? {} : { command: own };
}

/** Returns where the artifact of a version is in its pod. */
export function artifactAt(project: ProjectLaunch | undefined): LaunchPaths["artifact"] {
  return project === undefined ? { path: BUNDLE } : { path: PROJECT, project };
}

function environment({ name, version, settings, project }: VersionRecord): object[] {
  const isProject = project !== undefined;
  const message: StartMessage = {
    ...(isProject ? { replaced: project.replaced } : { bundle: `file://${BUNDLE}`, parts: PARTS }),
    listen: { port: PORT },
    function: { name, version },
    concurrency: settings.concurrency,
    ...(settings.isolation === "call" ? { isOnce: true } : {}),
    env: [...Object.keys(settings.env), ...Object.keys(settings.secrets), ...Object.keys(FOLDERS)],
  };
  const own = projectVariables(project);
  const env = { ...FOLDERS, ...settings.env, ...own, [START_VARIABLE]: JSON.stringify(message) };
  return variables(env, settings);
}
