import { dirname } from "node:path";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import { defaultSettings, type Settings } from "../../settings/settings.ts";
import { BUNDLE, FOLDERS, RUNTIME } from "../objects/deno-pod.ts";
import { FUNCTIONS_NAMESPACE, LABELS, POOL_NAME, POOL_SEED_NAME, PORT } from "../objects/names.ts";
import {
  instanceContainer,
  instancePod,
  literal,
  type PodOptions,
  PROJECT,
  SCRATCH,
} from "../objects/pod-parts.ts";
import type { PoolKeys } from "./pool-keys.ts";
import { IN_PLACE, KEY, poolArguments, RESTART } from "./pool-load.ts";

/** Mounted in the init container alone. */
const SEED_FOLDER = "/skiff/seed";
const SEED = `${SEED_FOLDER}/seed`;
const UID_VARIABLE = "SKIFF_POD_UID";
/** Kubernetes expands it to the pod's uid; all other values are escaped. */
const UID = `$(${UID_VARIABLE})`;
/** Size of the in-memory volume that holds 32 bytes until the pod is ready. */
const KEY_SIZE = "64Ki";

export interface PoolManifestOptions extends PodOptions {
  readonly namespace?: string;
  readonly size: number;
  readonly keys: PoolKeys;
}

/** Builds the Secret with the seed from which init containers of the pool derive the key of their pod. */
export function poolSecretManifest({ ours }: PoolKeys, namespace = FUNCTIONS_NAMESPACE): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: POOL_SEED_NAME, namespace, labels: { [LABELS.managedBy]: "skiff" } },
    type: "Opaque",
    data: { seed: Buffer.from(ours.seed).toString("base64") },
  };
}

/**
 * Builds the Deployment of the unassigned pods. It does not count an adopted pod, so that it creates the next one by
 * itself.
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

/** Builds a pod with default settings that waits for a function. */
function poolTemplate(options: PoolManifestOptions): object {
  const settings: Settings = defaultSettings(options.limits);
  const container: Container = { ...instanceContainer(settings, options) };
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
      initContainers: [keyContainer(container)],
      containers: [
        {
          ...container,
          command: ["/bin/sh", "/skiff/pool.sh"],
          args: [...poolArguments(settings), RUNTIME].map(literal),
          env: [
            uidVariable(),
            ...Object.entries(FOLDERS).map(([name, value]) => ({ name, value })),
            { name: START_VARIABLE, value: startMessage(options.keys) },
          ],
          volumeMounts: [
            // Writable, because the process removes the key.
            { name: "key", mountPath: dirname(KEY) },
            { name: "work", mountPath: "/work" },
            { name: "scratch", mountPath: SCRATCH },
          ],
        },
      ],
      volumes: [
        {
          name: "seed",
          secret: { secretName: POOL_SEED_NAME, defaultMode: 0o444, items: [{ key: "seed", path: "seed" }] },
        },
        { name: "key", emptyDir: { medium: "Memory", sizeLimit: KEY_SIZE } },
        { name: "work", emptyDir: { sizeLimit: "256Mi" } },
        { name: "scratch", emptyDir: { sizeLimit: "256Mi" } },
      ],
    },
  };
}

/**
 * Derives the key of the pod. It alone mounts the seed, which yields the key of any pod, and it ends before function code
 * can run. Its limits equal those of the other container, so that the pod needs no extra room on a node.
 */
function keyContainer({ image, imagePullPolicy, resources, securityContext, ...rest }: Container): object {
  const { terminationMessagePolicy } = rest;
  const flags = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm"];
  const files = [`--allow-read=${SEED}`, `--allow-write=${KEY}`];
  return {
    name: "key",
    ...{ image, imagePullPolicy, resources, securityContext, terminationMessagePolicy },
    args: ["run", ...flags, ...files, "/skiff/pod-key.mjs", UID, SEED, KEY],
    env: [uidVariable()],
    volumeMounts: [
      { name: "seed", mountPath: SEED_FOLDER, readOnly: true },
      { name: "key", mountPath: dirname(KEY) },
    ],
  };
}

type Container = Readonly<Record<string, unknown>>;

function uidVariable(): object {
  return { name: UID_VARIABLE, valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } };
}

/** Contains the public key, so that another secret of the installation replaces the pods. */
function startMessage({ pods }: PoolKeys): string {
  const verifyPublic = Buffer.from(pods.verifyPublic).toString("base64");
  const files = { key: KEY, bundle: BUNDLE, project: PROJECT, restart: RESTART, inPlace: IN_PLACE };
  return JSON.stringify({ pool: { uid: UID, port: PORT, verifyPublic, ...files } });
}
