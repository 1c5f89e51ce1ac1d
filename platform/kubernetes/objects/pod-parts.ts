import { PROBE_HEADER, PROBE_PATH } from "../../../client-image/start-message.ts";
import type { Limits } from "../../limits.ts";
import type { Settings } from "../../settings/settings.ts";
import { partNames, type VersionRecord } from "../versions/versions.ts";
import { CONTAINER, PORT, PORT_NAME, SECRET_KEY, secretObjectName } from "./names.ts";

/** User and group of the client image; not root in any namespace. */
const USER = 1993;
/** Folder of the mark that the first start of a container leaves whose instance takes one call, and the mark. */
const ONCE = "/skiff-once";
export const START_MARK = `${ONCE}/started`;
/** The parts of an artifact, from its ConfigMaps. */
export const PARTS = "/skiff/parts";
/** Folder of an unpacked project. */
export const PROJECT = "/work/project";
/** Folder for the files of a function. */
export const SCRATCH = "/scratch";

/**
 * Memory of Deno itself: 31 MiB resident after start, and room for compiled code, threads and socket buffers. The limit of
 * the pod includes it; the setting counts the function alone.
 */
export const RUNTIME_MIB = 64;
/** CPU request of a pod: small, because most functions wait. The autoscaler's 75 % are of this request. */
export const CPU_REQUEST = "50m";
export const SCRATCH_SIZE = "256Mi";

/** Time between leaving the EndpointSlices and SIGTERM, in which every router removes the pod. */
export const PRE_STOP_S = 2;
const PROBE = {
  httpGet: { path: PROBE_PATH, port: PORT_NAME, httpHeaders: [{ name: PROBE_HEADER, value: "1" }] },
};
/** A foreign server knows no probe of Skiff. */
const FOREIGN_PROBE = { tcpSocket: { port: PORT_NAME } };
const LIVENESS_PERIOD_S = 10;

/** Security context of every container. */
export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

export interface PodOptions {
  /** The client image. */
  readonly image: string;
  /** The image of programs: one that is made from the client image. By default the client image itself. */
  readonly programImage?: string | undefined;
  readonly limits: Limits;
  /** Quantity, such as CPU_REQUEST. */
  readonly cpuRequest: string;
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

/** Returns the fields that containers of versions and of the pool share. */
export function instanceContainer(settings: Settings, options: PodOptions): object {
  return { ...foreignContainer(settings, options), ...probes(settings, options, PROBE), workingDir: SCRATCH };
}

/** Returns the fields of a container whose server knows nothing of Skiff. */
export function foreignContainer(settings: Settings, options: PodOptions): object {
  const { image, cpuRequest } = options;
  const memory = mebibytes(settings.memoryMiB + RUNTIME_MIB);
  return {
    name: CONTAINER,
    image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: PORT_NAME, containerPort: PORT }],
    ...probes(settings, options, FOREIGN_PROBE),
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_S } } },
    resources: {
      requests: { cpu: cpuRequest, memory },
      limits: { memory, "ephemeral-storage": "1Gi" },
    },
    securityContext: RESTRICTED,
    // The last log lines of a crashed function become the reason that people read.
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

function probes(settings: Settings, { limits }: PodOptions, probe: object): object {
  // An instance that takes one call refuses probes from then on. Nothing may start it again.
  if (settings.isolation === "call") {
    return { readinessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 } };
  }
  return {
    readinessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 3 },
    livenessProbe: {
      ...probe,
      periodSeconds: LIVENESS_PERIOD_S,
      timeoutSeconds: 5,
      // A busy event loop answers late. It is stuck only after the time of any call or start.
      failureThreshold:
        Math.ceil(Math.max(limits.startMs, settings.timeoutMs, 10_000) / 1_000 / LIVENESS_PERIOD_S) + 1,
    },
  };
}

/** Formats memory as the server returns it: any difference counts as somebody's edit. */
function mebibytes(count: number): string {
  return count % 1024 === 0 ? `${count / 1024}Gi` : `${count}Mi`;
}

/** Returns the volume of the mark, if instances take one call. */
export function onceVolumes({ isolation }: Settings): object[] {
  return isolation === "call" ? [{ name: "once", emptyDir: { sizeLimit: "1Mi" } }] : [];
}

export function onceMounts({ isolation }: Settings): object[] {
  return isolation === "call" ? [{ name: "once", mountPath: ONCE }] : [];
}

/** Returns the volumes of a version with files. */
export function projectVolumes(record: VersionRecord): object[] {
  return [
    ...onceVolumes(record.settings),
    { name: "parts", projected: { sources: partNames(record, "bundle").map(projectPart) } },
    { name: "work", emptyDir: { sizeLimit: SCRATCH_SIZE } },
    { name: "scratch", emptyDir: { sizeLimit: SCRATCH_SIZE } },
  ];
}

export function projectMounts(settings: Settings): object[] {
  return [
    ...onceMounts(settings),
    { name: "parts", mountPath: PARTS, readOnly: true },
    { name: "work", mountPath: "/work" },
    { name: "scratch", mountPath: SCRATCH },
  ];
}

/** The runtime joins the parts in the order of their file names. */
function projectPart(name: string, index: number): object {
  return { configMap: { name, items: [{ key: "part", path: String(index).padStart(5, "0") }] } };
}

/** Returns variables with these values and those of the secrets. */
export function variables(
  values: Readonly<Record<string, string>>,
  { secrets }: Pick<Settings, "secrets">,
): object[] {
  const secret = Object.entries(secrets).map(([variable, { secret, version }]) => {
    const secretKeyRef = { name: secretObjectName(secret, version), key: SECRET_KEY };
    return { name: variable, valueFrom: { secretKeyRef } };
  });
  return [...Object.entries(values).map(([name, value]) => ({ name, value: literal(value) })), ...secret];
}

/** Escapes `$`, because Kubernetes expands `$(NAME)` in values and arguments, and `$$` to `$`. */
export function literal(value: string): string {
  return value.replaceAll("$", () => "$$");
}
