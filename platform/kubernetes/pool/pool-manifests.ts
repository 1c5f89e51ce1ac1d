import { START_VARIABLE } from "../../../client-image/start-message.ts";
import { defaultSettings, type Settings } from "../../settings.ts";
import { FUNCTIONS_NAMESPACE, LABELS, POOL_NAME, PORT } from "../names.ts";
import {
  BUNDLE,
  instanceContainer,
  instancePod,
  literal,
  type PodOptions,
  RUNTIME,
  SCRATCH,
} from "../pod-template.ts";
import type { PoolKeys } from "./pool-keys.ts";
import { IN_PLACE, poolArguments, RESTART } from "./pool-load.ts";

const KEYS = "/skiff/keys";
const UID_VARIABLE = "SKIFF_POD_UID";

export interface PoolManifestOptions extends PodOptions {
  readonly namespace?: string;
  readonly size: number;
}

/** What the pods of the pool open their loads with. */
export function poolSecretManifest({ pods }: PoolKeys, namespace = FUNCTIONS_NAMESPACE): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: POOL_NAME, namespace, labels: { [LABELS.managedBy]: "skiff" } },
    type: "Opaque",
    data: {
      "verify-public": Buffer.from(pods.verifyPublic).toString("base64"),
      "box-private": Buffer.from(pods.boxPrivate).toString("base64"),
    },
  };
}

/**
 * Pods that are ready and of no function. One that was adopted is no longer counted, so that the Deployment makes the
 * next one by itself.
 */
export function poolDeploymentManifest(options: PoolManifestOptions): object {
  const { namespace = FUNCTIONS_NAMESPACE, size } = options;
  const selector = { [LABELS.app]: POOL_NAME };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: POOL_NAME, namespace, labels: { [LABELS.managedBy]: "skiff" } },
    spec: {
      replicas: size,
      selector: { matchLabels: selector },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      revisionHistoryLimit: 1,
      template: poolTemplate(options),
    },
  };
}

/** As a pod of a function with default settings, but that it waits for one. */
function poolTemplate(options: PodOptions): object {
  const settings: Settings = defaultSettings(options.limits);
  const container = instanceContainer(settings, options);
  return {
    metadata: { labels: { [LABELS.managedBy]: "skiff", [LABELS.app]: POOL_NAME, [LABELS.pool]: "free" } },
    spec: {
      ...instancePod(settings, options),
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { [LABELS.pool]: "free" } },
        },
      ],
      containers: [
        {
          ...container,
          command: ["/bin/sh", "/skiff/pool.sh"],
          args: [...poolArguments(settings, [KEYS]), RUNTIME].map(literal),
          env: [
            { name: UID_VARIABLE, valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
            { name: "TMPDIR", value: SCRATCH },
            { name: START_VARIABLE, value: startMessage() },
          ],
          volumeMounts: [
            { name: "keys", mountPath: KEYS, readOnly: true },
            { name: "work", mountPath: "/work" },
            { name: "scratch", mountPath: SCRATCH },
          ],
        },
      ],
      volumes: [
        { name: "keys", secret: { secretName: POOL_NAME, defaultMode: 0o444 } },
        { name: "work", emptyDir: { sizeLimit: "256Mi" } },
        { name: "scratch", emptyDir: { sizeLimit: "256Mi" } },
      ],
    },
  };
}

/** Kubernetes puts the uid in: the one place where it may expand something. */
function startMessage(): string {
  const pool = { port: PORT, keys: KEYS, bundle: BUNDLE, restart: RESTART, inPlace: IN_PLACE };
  return JSON.stringify({ pool: { uid: `$(${UID_VARIABLE})`, ...pool } });
}
