import { dirname } from "node:path";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import { defaultSettings, type Settings } from "../../settings.ts";
import { FUNCTIONS_NAMESPACE, LABELS, POOL_NAME, POOL_SEED_NAME, PORT } from "../objects/names.ts";
import {
  BUNDLE,
  instanceContainer,
  instancePod,
  literal,
  type PodOptions,
  RUNTIME,
  SCRATCH,
} from "../objects/pod-template.ts";
import type { PoolKeys } from "./pool-keys.ts";
import { IN_PLACE, KEY, poolArguments, RESTART } from "./pool-load.ts";

/** In the init container alone. */
const SEED_FOLDER = "/skiff/seed";
const SEED = `${SEED_FOLDER}/seed`;
const UID_VARIABLE = "SKIFF_POD_UID";
/** Kubernetes puts the pod's uid in: the one place where it may expand something. */
const UID = `$(${UID_VARIABLE})`;
/** Of a volume in memory that holds 32 bytes until the pod is ready. */
const KEY_SIZE = "64Ki";

export interface PoolManifestOptions extends PodOptions {
  readonly namespace?: string;
  readonly size: number;
  readonly keys: PoolKeys;
}

/** What init containers of the pool derive the key of their pod from. */
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
            { name: "TMPDIR", value: SCRATCH },
            { name: START_VARIABLE, value: startMessage(options.keys) },
          ],
          volumeMounts: [
            // It removes the key from it, so that it may write there.
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
 * Sees the seed, from which the key of any pod can be derived, and has ended when anybody's code can run. Its limits are
 * those of the other container, so that the pod needs no more room on a node.
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

/** With another secret of the installation it is another one, and so are the pods. */
function startMessage({ pods }: PoolKeys): string {
  const verifyPublic = Buffer.from(pods.verifyPublic).toString("base64");
  const files = { key: KEY, bundle: BUNDLE, restart: RESTART, inPlace: IN_PLACE };
  return JSON.stringify({ pool: { uid: UID, port: PORT, verifyPublic, ...files } });
}
