/** API group of Skiff's kinds, and prefix of its labels and annotations. */
export const GROUP = "skiff.dev";
export const FUNCTIONS_NAMESPACE = "skiff-functions";

export const LABELS = {
  /** Name of the function. */
  function: `${GROUP}/function`,
  /** Number of the version. */
  version: `${GROUP}/version`,
  /** `closed` for a pod that connects to nothing but the addresses that its version lists. */
  network: `${GROUP}/network`,
  /** Content of a ConfigMap: part of the `source` or of the `bundle`. */
  part: `${GROUP}/part`,
  /** State of a pod that came from the pool: `free`, `claimed`, `loaded`, `adopted` or `spent`. */
  pool: `${GROUP}/pool`,
  /** Pod that has taken the one call of its life, and left its ReplicaSet. */
  spent: `${GROUP}/spent`,
  /** Function of a claimed or loaded pod. */
  claimedFor: `${GROUP}/claimed-for`,
  /** Kubernetes' own label: names the ReplicaSet of a pod. */
  templateHash: "pod-template-hash",
  /** `skiff-pool` for pods that the pool's Deployment counts. */
  app: "app",
  /** Name of a secret. */
  secret: `${GROUP}/secret`,
  /** Number of the version of a secret. */
  secretVersion: `${GROUP}/secret-version`,
  /** Program that runs a command or resolves an image, on what it makes for that. */
  command: `${GROUP}/command`,
  /** Name of a pod that finds out what the name of an image means. */
  imageCheck: `${GROUP}/image-check`,
  managedBy: "app.kubernetes.io/managed-by",
} as const;

export const ANNOTATIONS = {
  hash: `${GROUP}/hash`,
  sourceHash: `${GROUP}/source-hash`,
  sourceType: `${GROUP}/source-type`,
  /** How a project is launched, as JSON. */
  project: `${GROUP}/project`,
  settings: `${GROUP}/settings`,
  /** Who deployed the version and why, as JSON. */
  note: `${GROUP}/note`,
  /** Size of the source as it was posted. */
  sourceBytes: `${GROUP}/source-bytes`,
  createdAt: `${GROUP}/created-at`,
  /** Number of ConfigMaps with the bundle and with the source, as `BUNDLE/SOURCE`. */
  parts: `${GROUP}/parts`,
  /** Start of the change that is under way. */
  publishingSince: `${GROUP}/publishing-since`,
  /** Host name of its manager and a unique id of the change, as `HOST/ID`. */
  publishingBy: `${GROUP}/publishing-by`,
  /** Changes while the manager lives: an unrenewed change is abandoned. */
  publishingRenewed: `${GROUP}/publishing-renewed`,
  updatedAt: `${GROUP}/updated-at`,
  /** The last two different versions of the function that had all calls, as JSON. */
  whole: `${GROUP}/whole-versions`,
} as const;

export const PORT = 8000;
/** Probes and the Service refer to the port by this name. */
export const PORT_NAME = "http";
export const CONTAINER = "function";
/** Container that stands before the server of an image, if each instance takes one call. */
export const GATE = "gate";
/** Container of the pod of a command. */
export const COMMAND_CONTAINER = "command";

/** Deployment of the pool. */
export const POOL_NAME = "skiff-pool";
/**
 * Secret with the seed of the pods' keys. The name differs from `skiff-pool`, which function containers of an older Skiff
 * mount: a mounted Secret updates in running pods.
 */
export const POOL_SEED_NAME = "skiff-pool-seed";

/** Names the Deployment, autoscaler and NetworkPolicy of a version. Function names have no dot. */
export function versionName(name: string, version: number): string {
  return `${name}.v${version}`;
}

/** Names the Secret of one version of a secret. Names of secrets have no dot. */
export function secretObjectName(secret: string, version: number): string {
  return `skiff-secret-${secret}.v${version}`;
}

/** The key of the value in such a Secret. */
export const SECRET_KEY = "value";

/** Names the Secret with which the image of a version is pulled. */
export function pullSecretName({ name, version }: { name: string; version: number }): string {
  return `skiff-pull-${name}.v${version}`;
}

export function serviceName(name: string): string {
  return `${name}-service`;
}

/**
 * Names a ConfigMap. ConfigMaps are immutable and nodes cache them by name, so the name contains the hash: a version
 * number that is reused after a failure must not find the old content.
 */
export function partName(version: { name: string; version: number; hash: string }, index: number): string {
  return `${version.name}-v${version.version}-${version.hash.slice(0, 8)}-${index}`;
}

/** Host name of a version's pods. EndpointSlices carry it, and so the version of each endpoint. */
export function versionHostname(version: number): string {
  return `v${version}`;
}

export function versionOfHostname(hostname: string | undefined): number | undefined {
  const match = /^v(\d{1,9})$/.exec(hostname ?? "");
  return match ? Number(match[1]) : undefined;
}
