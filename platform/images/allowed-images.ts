import { Problem } from "../problems.ts";
import { HOST_IMAGE, parseImage, withRegistry } from "./image-reference.ts";

/** The images that functions and commands may use: the entries of `SKIFF_IMAGES`. */
export class AllowedImages {
  readonly #entries: readonly string[];

  private constructor(entries: readonly string[]) {
    this.#entries = entries;
  }

  /**
   * Parses `SKIFF_IMAGES`: repositories such as `alpine` or `ghcr.io/acme/tool`, everything below a registry or a path
   * such as `ghcr.io/acme/*`, `host` for the sandbox of this machine, `*` for everything; separated by commas.
   * @param isLocal Skiff answers programs of this machine alone: everything is allowed by default, otherwise nothing
   * @throws Error with a text for the operator
   */
  static from(text: string | undefined, isLocal: boolean): AllowedImages {
    if (!text) return new AllowedImages(isLocal ? ["*"] : []);
    const entries = text.split(",").map((entry) => entry.trim());
    return new AllowedImages(entries.filter((entry) => entry !== "").map(normalized));
  }

  /** What is allowed, in full. */
  get entries(): readonly string[] {
    return this.#entries;
  }

  /** @throws Problem `invalid_request` if the text is no name of an image, `image_not_allowed` */
  check(image: string): void {
    const shown = image.slice(0, 200);
    const reference = parseImage(image);
    if (reference === undefined) {
      const detail = `"${shown}" is not a valid name of an image: use one such as alpine:3.20 or ghcr.io/acme/tool@sha256:….`;
      throw new Problem("invalid_request", detail, { setting: "image" });
    }
    const name = image === HOST_IMAGE ? HOST_IMAGE : `${reference.registry}/${reference.repository}`;
    if (this.#entries.some((entry) => covers(entry, name))) return;
    const list = this.#entries.join(", ") || "none";
    const detail = `The image "${shown}" is not allowed. Allowed: ${list}. The operator adds ${name} to SKIFF_IMAGES.`;
    throw new Problem("image_not_allowed", detail, { setting: "SKIFF_IMAGES" });
  }
}

/** `*` at the end stands for whole parts of a path: `ghcr.io*` would allow `ghcr.io.example.com`. */
function normalized(entry: string): string {
  if (entry === "*" || entry === HOST_IMAGE) return entry;
  const isBelow = entry.endsWith("/*");
  const place = isBelow ? below(entry.slice(0, -2)) : parseImage(entry);
  const isWhole = place !== undefined && !("tag" in place && (place.tag ?? place.digest) !== undefined);
  if (isWhole) return `${place.registry}${place.repository && `/${place.repository}`}${isBelow ? "/*" : ""}`;
  const advice =
    "use repositories without a tag, such as alpine or ghcr.io/acme/tool, or everything below a path, such as ghcr.io/acme/* or *";
  throw new Error(`SKIFF_IMAGES: "${entry}" cannot be read: ${advice}.`);
}

function below(path: string): { registry: string; repository: string } | undefined {
  const { registry, repository } = withRegistry(`${path}/x`);
  // A name is needed for the check; what comes before it counts.
  const isRegistry = repository === "x" || (registry === "docker.io" && repository === "library/x");
  const above = isRegistry ? "" : repository.replace(/\/x$/, "");
  return parseImage(`${path}/x`) && { registry, repository: above };
}

function covers(entry: string, name: string): boolean {
  if (entry === "*" || entry === name) return true;
  return name !== HOST_IMAGE && entry.endsWith("/*") && name.startsWith(entry.slice(0, -1));
}
