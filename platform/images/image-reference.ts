/** A name of an image with what its short forms leave out. */
export interface ImageReference {
  /** Host name of the registry, with a port if it has one: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Path in the registry: `library/alpine`. */
  readonly repository: string;
  readonly tag?: string | undefined;
  /** Such as `sha256:…`. */
  readonly digest?: string | undefined;
}

/** The image that stands for the sandbox for programs of this machine. */
export const HOST_IMAGE = "host";

const MOST_CHARACTERS = 512;
const REGISTRY = /^(\[[0-9a-f:]+\]|[a-z0-9]([-a-z0-9.]*[a-z0-9])?)(:\d{1,5})?$/i;
const COMPONENT = "[a-z0-9]+((\\.|_{1,2}|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+([+._-][a-z0-9]+)*:[0-9a-f]{32,128}$/i;

/**
 * Parses `alpine`, `alpine:3.5`, `ghcr.io/acme/tool@sha256:…` as Docker does: the first part is a registry if it is
 * `localhost` or has a dot or a port, and Docker Hub is the registry of all others. Undefined for other texts.
 */
export function parseImage(text: string): ImageReference | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) return undefined;
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const place = withRegistry(colon < 0 ? named : named.slice(0, colon));
  if (!REGISTRY.test(place.registry) || !REPOSITORY.test(place.repository)) return undefined;
  return { ...place, tag, digest };
}

/** Splits a name without tag and digest. */
export function withRegistry(name: string): Pick<ImageReference, "registry" | "repository"> {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (first === "localhost" || /[.:]/.test(first)) {
    const registry = first === "index.docker.io" ? "docker.io" : first.toLowerCase();
    const repository = name.slice(slash + 1);
    const isOfficial = registry === "docker.io" && !repository.includes("/") && repository !== "*";
    return { registry, repository: isOfficial ? `library/${repository}` : repository };
  }
  return { registry: "docker.io", repository: slash < 0 ? `library/${name}` : name };
}
