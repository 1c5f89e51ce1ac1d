/** The API group of Skiff's own kind and of its labels and annotations. */
export const GROUP = "skiff.dev";
export const FUNCTIONS_NAMESPACE = "skiff-functions";

export const LABELS = {
  /** Name of the function that an object belongs to. */
  function: `${GROUP}/function`,
  /** Number of the version that an object belongs to. */
  version: `${GROUP}/version`,
  /** What a ConfigMap carries a part of: `source` or `bundle`. */
  part: `${GROUP}/part`,
  /** State of a pod that came from the pool: `free`, `claimed`, `loaded`, `adopted` or `spent`. */
  pool: `${GROUP}/pool`,
  /** Of a claimed or loaded pod: the function that it was claimed for. */
  claimedFor: `${GROUP}/claimed-for`,
  /** Which ReplicaSet counts a pod as its own; Kubernetes' own label. */
  templateHash: "pod-template-hash",
  /** Of pods that the pool's Deployment counts: `skiff-pool`. */
  app: "app",
  managedBy: "app.kubernetes.io/managed-by",
} as const;

export const ANNOTATIONS = {
  hash: `${GROUP}/hash`,
  sourceHash: `${GROUP}/source-hash`,
  sourceType: `${GROUP}/source-type`,
  settings: `${GROUP}/settings`,
  createdAt: `${GROUP}/created-at`,
  /** How many ConfigMaps carry the bundle and the source of the version, as `BUNDLE/SOURCE`. */
  parts: `${GROUP}/parts`,
  /** When the change began that is under way; the leader ends one that began long ago. */
  publishingSince: `${GROUP}/publishing-since`,
  updatedAt: `${GROUP}/updated-at`,
} as const;

/** Port of the container; a name, because probes and the Service refer to it. */
export const PORT = 8000;
export const PORT_NAME = "http";
export const CONTAINER = "function";

/** The Deployment of the pool, and what its pods are called after. */
export const POOL_NAME = "skiff-pool";
/**
 * The Secret with the seed of the pods' keys. Not `skiff-pool`, which function containers of an older Skiff mount: what is
 * written to a Secret appears in running pods.
 */
export const POOL_SEED_NAME = "skiff-pool-seed";

/** Deployment, autoscaler and NetworkPolicy of a version. No function's name has a dot. */
export function versionName(name: string, version: number): string {
  return `${name}.v${version}`;
}

export function serviceName(name: string): string {
  return `${name}-service`;
}

/**
 * ConfigMaps are immutable and nodes cache them by name, so the name contains the hash: a number that failed and is
 * used again must not find the old content.
 */
export function partName(version: { name: string; version: number; hash: string }, index: number): string {
  return `${version.name}-v${version.version}-${version.hash.slice(0, 8)}-${index}`;
}

/** Host name of a version's pods: EndpointSlices carry it, and so the version of each endpoint. */
export function versionHostname(version: number): string {
  return `v${version}`;
}

export function versionOfHostname(hostname: string | undefined): number | undefined {
  const match = /^v(\d{1,9})$/.exec(hostname ?? "");
  return match ? Number(match[1]) : undefined;
}
