import type { ProgramLaunch } from "../../../client-image/project/project-pack.ts";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import type { ProgramMessage } from "../../../runtimes/program/host/program-message.ts";
import { hostOrder, programVariables } from "../../../runtimes/program/program-runtime.ts";
import { modeOf, placingOf } from "../../settings/runtime.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { PORT } from "./names.ts";
import {
  foreignContainer,
  instanceContainer,
  PARTS,
  type PodOptions,
  PROJECT,
  projectMounts,
  SCRATCH,
  START_MARK,
  variables,
} from "./pod-parts.ts";

/** Node and the program host in the client image. */
const NODE = "/usr/local/bin/node";
const HOST = "/skiff/inject/host.mjs";
/** A program that serves has this port if the host stands before it. */
const INNER_PORT = 8001;

/** Builds the container of a program: the client image, whose program host starts it. */
export function programContainer(record: VersionRecord, program: ProgramLaunch, options: PodOptions): object {
  const { name, version, settings } = record;
  const { concurrency, isOnce, isForeign } = placingOf({ ...settings, mode: modeOf(settings) });
  const values = { ...programVariables(NODE, SCRATCH), ...settings.env };
  const port = isForeign ? PORT : INNER_PORT;
  const message: ProgramMessage = {
    listen: { port: PORT },
    function: { name, version },
    concurrency,
    env: [...Object.keys(values), ...Object.keys(settings.secrets)],
    ...(isOnce ? { isOnce, startMark: START_MARK } : {}),
    host: hostOrder(program, settings, { cwd: PROJECT, port, ownsProcesses: true }),
  };
  const container = isForeign ? foreignContainer(settings, options) : instanceContainer(settings, options);
  return {
    ...container,
    workingDir: SCRATCH,
    image: options.programImage ?? options.image,
    command: ["/bin/sh", "/skiff/program.sh", PARTS, PROJECT],
    args: [NODE, HOST],
    env: variables({ ...values, [START_VARIABLE]: JSON.stringify(message) }, settings),
    volumeMounts: projectMounts(settings),
  };
}
