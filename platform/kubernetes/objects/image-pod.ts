import type { ImageLaunch } from "../../../client-image/project/project-pack.ts";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import type { HostOrder, ProgramMessage } from "../../../runtimes/program/host/program-message.ts";
import { hostOrder } from "../../../runtimes/program/program-runtime.ts";
import { modeOf, placingOf } from "../../settings/runtime.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { GATE, PORT, pullSecretName } from "./names.ts";
import {
  foreignContainer,
  instanceContainer,
  literal,
  onceMounts,
  onceVolumes,
  type PodOptions,
  RESTRICTED,
  SCRATCH_SIZE,
  START_MARK,
  variables,
} from "./pod-parts.ts";

const SCRATCH = "/tmp";
const FOLDERS = { HOME: SCRATCH, TMPDIR: SCRATCH };
/** Where the program host and its Node are in the container of an image, and how they run in any Linux image. */
const INJECTED = "/skiff";
const HOST = [
  `${INJECTED}/loader`,
  "--library-path",
  `${INJECTED}/lib`,
  `${INJECTED}/node`,
  `${INJECTED}/host.mjs`,
];

/** The server of an image has this port if the program host stands before it. */
const INNER_PORT = 8001;

/** Builds the containers and volumes of a pod that runs an image. */
export function imagePod(record: VersionRecord, { reference }: ImageLaunch, options: PodOptions): object {
  const { settings } = record;
  const isServer = modeOf(settings) === "serve";
  const content = isServer ? serverPod(record, options) : hostedPod(record, options);
  const { containers, volumes = [], ...rest } = content;
  const [image, ...others] = containers;
  const { volumeMounts = [] } = image as { volumeMounts?: readonly object[] };
  const mounts = [{ name: "scratch", mountPath: SCRATCH }, ...volumeMounts];
  return {
    ...(settings.pullSecret === "" ? {} : { imagePullSecrets: [{ name: pullSecretName(record) }] }),
    ...rest,
    containers: [{ ...image, image: reference, volumeMounts: mounts }, ...others],
    volumes: [{ name: "scratch", emptyDir: { sizeLimit: SCRATCH_SIZE } }, ...volumes],
  };
}

interface Content {
  /** That of the image first. */
  readonly containers: readonly object[];
  readonly initContainers?: readonly object[];
  readonly volumes?: readonly object[];
}

/** The image is a server on `$PORT`. With `isolation: call` the program host stands before it. */
function serverPod(record: VersionRecord, options: PodOptions): Content {
  const { settings } = record;
  const { command } = settings.program;
  const isOnce = settings.isolation === "call";
  const port = isOnce ? INNER_PORT : PORT;
  const server = {
    ...foreignContainer(settings, options),
    ...(command === undefined ? {} : { command: command.map(literal) }),
    env: variables({ ...FOLDERS, ...settings.env, PORT: String(port) }, settings),
  };
  if (!isOnce) return { containers: [server] };
  const message = messageOf(record, { mode: "gate", port });
  const gate = {
    ...instanceContainer({ ...settings, memoryMiB: 0 }, options),
    name: GATE,
    command: ["/bin/sh", "/skiff/program.sh", "-", "/", "/usr/local/bin/node", "/skiff/inject/host.mjs"],
    workingDir: "/",
    env: variables({ [START_VARIABLE]: JSON.stringify(message) }, { secrets: {} }),
    volumeMounts: onceMounts(settings),
  };
  const { ports: _, readinessProbe: __, livenessProbe: ___, ...inner } = server as Record<string, unknown>;
  return { containers: [inner, gate], volumes: onceVolumes(settings) };
}

/** Each call starts the command in the container of the image, where the program host is injected. */
function hostedPod(record: VersionRecord, options: PodOptions): Content {
  const { settings } = record;
  const { command = [] } = settings.program;
  const order = hostOrder({ command }, settings, { cwd: ".", port: 0, ownsProcesses: true });
  const message = { ...messageOf(record, order), keepsEnvironment: true };
  const { workingDir: _, ...container } = instanceContainer(settings, options) as Record<string, unknown>;
  const inject = {
    name: "inject",
    image: options.image,
    imagePullPolicy: "IfNotPresent",
    command: ["/bin/cp", "-R", "/skiff/inject/.", "/inject"],
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    securityContext: RESTRICTED,
    volumeMounts: [{ name: "host", mountPath: "/inject" }],
  };
  return {
    initContainers: [inject],
    containers: [
      {
        ...container,
        command: HOST,
        env: variables({ ...FOLDERS, ...settings.env, [START_VARIABLE]: JSON.stringify(message) }, settings),
        volumeMounts: [...onceMounts(settings), { name: "host", mountPath: INJECTED, readOnly: true }],
      },
    ],
    volumes: [...onceVolumes(settings), { name: "host", emptyDir: { sizeLimit: SCRATCH_SIZE } }],
  };
}

function messageOf({ name, version, settings }: VersionRecord, host: HostOrder): ProgramMessage {
  const { concurrency, isOnce } = placingOf({ ...settings, mode: "call" });
  const env = [...Object.keys(FOLDERS), ...Object.keys(settings.env), ...Object.keys(settings.secrets)];
  const once = isOnce ? { isOnce, startMark: START_MARK } : {};
  return { listen: { port: PORT }, function: { name, version }, concurrency, env, ...once, host };
}
