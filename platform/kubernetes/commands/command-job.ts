import { createHash } from "node:crypto";
import type { CommandOrder } from "../../images/commands.ts";
import type { Limits } from "../../limits.ts";
import { COMMAND_CONTAINER, LABELS } from "../objects/names.ts";
import { literal } from "../objects/pod-parts.ts";

/** User and group of commands; not root in any namespace. */
const USER = 1993;
const SCRATCH = "/tmp";
/** The cluster removes a Job this long after its end, if no manager does. */
const KEPT_S = 60;
/** Time beyond the limits of the command after which the cluster ends it, if no manager does. */
const SPARE_S = 30;

export interface JobOptions {
  readonly namespace: string;
  readonly limits: Pick<Limits, "pullMs" | "startMs" | "scratchBytes">;
  /** The program that runs the command, as the value of a label. */
  readonly owner: string;
  /** CPU request, as a quantity. */
  readonly cpuRequest: string;
  /** Secret of the type kubernetes.io/dockerconfigjson. */
  readonly pullSecret?: string | undefined;
}

/** Names the Job of a command. */
export function jobName(id: string): string {
  const isName = /^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/.test(id);
  return `skiff-exec-${isName ? id : createHash("sha256").update(id).digest("hex").slice(0, 40)}`;
}

/** Builds the Job of a command: one pod, which nothing starts again. */
export function commandJob(order: CommandOrder, options: JobOptions): object {
  const { limits, namespace } = options;
  const labels = { [LABELS.managedBy]: "skiff", [LABELS.command]: options.owner };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName(order.id), namespace, labels },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      // The manager ends the command in time. This ends what a lost manager left.
      activeDeadlineSeconds: Math.ceil((limits.pullMs + limits.startMs + order.timeoutMs) / 1_000) + SPARE_S,
      ttlSecondsAfterFinished: KEPT_S,
      template: { metadata: { labels }, spec: commandPod(order, options) },
    },
  };
}

function commandPod(order: CommandOrder, { limits, pullSecret, cpuRequest }: JobOptions): object {
  const memory = `${order.memoryMiB}Mi`;
  const env = { HOME: SCRATCH, TMPDIR: SCRATCH, ...order.env };
  return {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
    containers: [
      {
        name: COMMAND_CONTAINER,
        image: order.image,
        imagePullPolicy: "IfNotPresent",
        ...(order.command.length > 0 ? { command: order.command.map(literal) } : {}),
        env: Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
        ...(order.input ? { stdin: true, stdinOnce: true } : {}),
        resources: {
          requests: { cpu: cpuRequest, memory },
          limits: { memory, "ephemeral-storage": "1Gi" },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [{ name: "scratch", mountPath: SCRATCH }],
      },
    ],
    volumes: [{ name: "scratch", emptyDir: { sizeLimit: String(limits.scratchBytes) } }],
  };
}
