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
  /** How many ConfigMaps carry the source and the bundle of the version, as `SOURCE/BUNDLE`. */
  parts: `${GROUP}/parts`,
  /** When the publishing of `spec.version` began; whoever finds it long ago puts the version before back. */
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
 * The Secret with the seed of the pods' keys. Never one that function containers mounted, as they did `skiff-pool` before:
 * what is written to a Secret appears in pods that run.
 */
export const POOL_SEED_NAME = "skiff-pool-seed";

export function deploymentName(name: string): string {
  return `${name}-app`;
}

export function serviceName(name: string): string {
  return `${name}-service`;
}

export function egressName(name: string): string {
  return `${name}-egress`;
}

/**
 * ConfigMaps are immutable and nodes keep them by name, so the name says the content: a number that failed
 * and is used again must not find what is cached.
 */
export function partName(version: { name: string; version: number; hash: string }, index: number): string {
  return `${version.name}-v${version.version}-${version.hash.slice(0, 8)}-${index}`;
}

/** Host name of a version's pods, which is how EndpointSlices tell the version of an endpoint. */
export function versionHostname(version: number): string {
  return `v${version}`;
}

export function versionOfHostname(hostname: string | undefined): number | undefined {
  const match = /^v(\d{1,9})$/.exec(hostname ?? "");
  return match ? Number(match[1]) : undefined;
}
