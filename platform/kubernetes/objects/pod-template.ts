import type { ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import {
  PROBE_HEADER,
  PROBE_PATH,
  START_VARIABLE,
  type StartMessage,
} from "../../../client-image/start-message.ts";
import {
  denoRunArguments,
  folderVariables,
  programArguments,
  projectVariables,
} from "../../../runtimes/deno/deno-flags.ts";
import type { LaunchPaths } from "../../../runtimes/runtime.ts";
import type { Limits } from "../../limits.ts";
import type { Settings } from "../../settings/settings.ts";
import { partNames, type VersionRecord } from "../versions/versions.ts";
import {
  CONTAINER,
  LABELS,
  PORT,
  PORT_NAME,
  SECRET_KEY,
  secretObjectName,
  serviceName,
  versionHostname,
} from "./names.ts";

/** User and group of the client image; not root in any namespace. */
const USER = 1993;
/** Mounts of the pod; the image's DENO_DIR is in /work. */
const PARTS = "/skiff/parts";
export const RUNTIME = "/skiff/runtime.mjs";
export const BUNDLE = "/work/bundle.mjs";
/** Folder of an unpacked project. */
export const PROJECT = "/work/project";
export const SCRATCH = "/scratch";
export const FOLDERS = folderVariables(SCRATCH);

/**
 * Memory of Deno itself: 31 MiB resident after start, and room for compiled code, threads and socket buffers. The limit of
 * the pod includes it; the setting counts the function alone.
 */
export const RUNTIME_MIB = 64;
/** CPU request of a pod: small, because most functions wait. The autoscaler's 75 % are of this request. */
export const CPU_REQUEST = "50m";
const SCRATCH_SIZE = "256Mi";

/** Time between leaving the EndpointSlices and SIGTERM, in which every router removes the pod. */
export const PRE_STOP_S = 2;
const PROBE = {
  httpGet: { path: PROBE_PATH, port: PORT_NAME, httpHeaders: [{ name: PROBE_HEADER, value: "1" }] },
};
const LIVENESS_PERIOD_S = 10;

export interface PodOptions {
  /** The client image. */
  readonly image: string;
  readonly limits: Limits;
  /** Quantity, such as CPU_REQUEST. */
  readonly cpuRequest: string;
}

/** Builds the pod of a version: the client image with the version's bundle mounted. */
export function podTemplate(record: VersionRecord, options: PodOptions): object {
  const { name, version, settings } = record;
  return {
    metadata: {
      labels: {
        [LABELS.managedBy]: "skiff",
        [LABELS.function]: name,
        [LABELS.version]: String(version),
      },
    },
    spec: {
      ...instancePod(settings, options),
      // With the Service's name as subdomain, EndpointSlices show the host name, and so the version.
      hostname: versionHostname(version),
      subdomain: serviceName(name),
      containers: [functionContainer(record, options)],
      volumes: [
        { name: "parts", projected: { sources: partNames(record, "bundle").map(projectPart) } },
        { name: "work", emptyDir: { sizeLimit: SCRATCH_SIZE } },
        { name: "scratch", emptyDir: { sizeLimit: SCRATCH_SIZE } },
      ],
    },
  };
}

/** Returns the fields that pods of versions and of the pool share. */
export function instancePod(settings: Settings, { limits }: PodOptions): object {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // As on one machine: the timeout of a call and the idle time of a stream. Most pods end long before.
    terminationGracePeriodSeconds:
      PRE_STOP_S + Math.ceil((settings.timeoutMs + limits.streamIdleMs) / 1_000) + 1,
    // Resolves names with a dot as they are, instead of in every domain of the cluster first.
    dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** The runtime joins the parts in the order of their file names. */
function projectPart(name: string, index: number): object {
  return { configMap: { name, items: [{ key: "part", path: String(index).padStart(5, "0") }] } };
}

function functionContainer(record: VersionRecord, options: PodOptions): object {
  const { settings, project } = record;
  const artifact = artifactAt(project);
  const isProject = project !== undefined;
  // A project is unpacked before it starts. A module is joined by the runtime.
  const runtime = isProject ? { read: [], write: [] } : { read: [PARTS], write: [BUNDLE] };
  const sandbox = { settings, artifact, runtime, scratch: SCRATCH, listen: { port: PORT } };
  const flags = denoRunArguments({ ...sandbox, ownAddresses: [] });
  return {
    ...instanceContainer(settings, options),
    ...(isProject ? { command: ["/bin/sh", "/skiff/project.sh", PARTS, PROJECT] } : {}),
    args: [...flags, ...programArguments(RUNTIME, artifact)].map(literal),
    env: environment(record),
    volumeMounts: [
      { name: "parts", mountPath: PARTS, readOnly: true },
      { name: "work", mountPath: "/work" },
      { name: "scratch", mountPath: SCRATCH },
    ],
  };
}

/** Returns where the artifact of a version is in its pod. */
export function artifactAt(project: ProjectLaunch | undefined): LaunchPaths["artifact"] {
  return project === undefined ? { path: BUNDLE } : { path: PROJECT, project };
}

/** Returns the fields that containers of versions and of the pool share. */
export function instanceContainer(settings: Settings, { image, limits, cpuRequest }: PodOptions): object {
  const memory = mebibytes(settings.memoryMiB + RUNTIME_MIB);
  return {
    name: CONTAINER,
    image,
    imagePullPolicy: "IfNotPresent",
    workingDir: SCRATCH,
    ports: [{ name: PORT_NAME, containerPort: PORT }],
    readinessProbe: { ...PROBE, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 3 },
    livenessProbe: {
      ...PROBE,
      periodSeconds: LIVENESS_PERIOD_S,
      timeoutSeconds: 5,
      // A busy event loop answers late. It is stuck only after the time of any call or start.
      failureThreshold:
        Math.ceil(Math.max(limits.startMs, settings.timeoutMs, 10_000) / 1_000 / LIVENESS_PERIOD_S) + 1,
    },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_S } } },
    resources: {
      requests: { cpu: cpuRequest, memory },
      limits: { memory, "ephemeral-storage": "1Gi" },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    // The last log lines of a crashed function become the reason that people read.
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

/** Formats memory as the server returns it: any difference counts as somebody's edit. */
function mebibytes(count: number): string {
  return count % 1024 === 0 ? `${count / 1024}Gi` : `${count}Mi`;
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
  const secrets = Object.entries(settings.secrets).map(([variable, { secret, version: number }]) => {
    const secretKeyRef = { name: secretObjectName(secret, number), key: SECRET_KEY };
    return { name: variable, valueFrom: { secretKeyRef } };
  });
  return [...Object.entries(env).map(([key, value]) => ({ name: key, value: literal(value) })), ...secrets];
}

/** Escapes `$`, because Kubernetes expands `$(NAME)` in values and arguments, and `$$` to `$`. */
export function literal(value: string): string {
  return value.replaceAll("$", () => "$$");
}
