import type { AllowedImages } from "../../images/allowed-images.ts";
import { type ImageReference, parseImage } from "../../images/image-reference.ts";
import type { ImageSource, Images, ResolveOptions } from "../../images/images.ts";
import { Problem } from "../../problems.ts";
import { formatMs } from "../../quantity.ts";
import { newestValue, type Secrets } from "../../secrets.ts";
import type { Engine } from "./engine.ts";
import { EngineError } from "./engine-error.ts";
import type { EngineFinder } from "./find-engine.ts";
import type { EngineImage } from "./image.ts";

/** Images of this registry are those that somebody made on this machine. */
const LOCAL = "localhost";

export interface EngineImagesOptions {
  readonly engines: Pick<EngineFinder, "get">;
  readonly allowed: AllowedImages;
  readonly secrets: Pick<Secrets, "claim" | "resolve">;
  /** Longest pull. */
  readonly pullMs: number;
  /** Receives each line for Skiff's own log. */
  readonly onLine?: ((text: string) => void) | undefined;
}

/** Images of a container engine. */
export class EngineImages implements Images {
  readonly #options: EngineImagesOptions;
  /** Pulls under way, by what is pulled with which secret. */
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(options: EngineImagesOptions) {
    this.#options = options;
  }

  /** Pulls the image, because that is how one finds out what a name means now. */
  async resolve(image: string, { pullSecret, signal }: ResolveOptions): Promise<ImageSource> {
    const reference = this.#parse(image);
    const engine = await this.#options.engines.get();
    const name = fullName(reference);
    const before = await engine.findImage(name);
    if (reference.digest !== undefined && before) return { image, digest: reference.digest };
    if (reference.registry !== LOCAL)
      await this.#pullUnless(before, { engine, image, name, pullSecret, signal });
    const found = await engine.findImage(name);
    if (found === undefined) throw notFound(image, reference);
    return { image, digest: digestOf(found, reference) };
  }

  /**
   * Finds the image of a version, and pulls it again if it was removed.
   * @param reference name and digest
   * @throws as `resolve`
   */
  async find(reference: string, { pullSecret, signal }: ResolveOptions): Promise<EngineImage> {
    const parsed = this.#parse(reference);
    const engine = await this.#options.engines.get();
    const name = fullName(parsed);
    // An image that no registry has is known by its id alone.
    const found = (await engine.findImage(name)) ?? (await engine.findImage(parsed.digest ?? name));
    if (found) return found;
    if (parsed.registry !== LOCAL) await this.#pull({ engine, image: reference, name, pullSecret, signal });
    const pulled = await engine.findImage(name);
    if (pulled === undefined) throw notFound(reference, parsed);
    return pulled;
  }

  #parse(image: string): ImageReference {
    const reference = parseImage(image);
    if (reference === undefined) {
      const detail = `"${image.slice(0, 200)}" is not a valid name of an image: use one such as docker.io/library/nginx:1.27 or ghcr.io/acme/tool@sha256:….`;
      throw new Problem("invalid_setting", detail, { setting: "image" });
    }
    this.#options.allowed.check(image);
    return reference;
  }

  /** Without the registry, an image that is here serves: a machine may be offline. */
  async #pullUnless(before: EngineImage | undefined, pull: Pull): Promise<void> {
    try {
      await this.#pull(pull);
    } catch (error) {
      const isAway =
        error instanceof Problem && ["unreachable", "timeout"].includes(error.extensions.reason ?? "");
      if (!before || !isAway) throw error;
      this.#options.onLine?.(`${error.detail} The image of that name on this machine is used.`);
    }
  }

  async #pull({ engine, image, name, pullSecret, signal }: Pull): Promise<void> {
    const credentials = pullSecret ? await this.#credentials(pullSecret) : undefined;
    const key = JSON.stringify([name, pullSecret]);
    const pull = this.#pulls.get(key) ?? this.#begin(key, { engine, image, name, credentials });
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.race([pull, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Several deploys share it, so that none of them aborts it. */
  #begin(key: string, { engine, image, name, credentials }: Begun): Promise<void> {
    const { pullMs, onLine } = this.#options;
    const sinceMs = performance.now();
    const tooLate = new Problem(
      "image_unavailable",
      `The image ${image} was not pulled within ${formatMs(pullMs)} (limit SKIFF_PULL_TIMEOUT). Pull it on this machine before, or raise the limit.`,
      { reason: "timeout", setting: "SKIFF_PULL_TIMEOUT" },
    );
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooLate), pullMs);
    const pull = engine
      .pull(name, { credentials, signal: late.signal })
      .then(() => onLine?.(`Pulled ${image} in ${formatMs(Math.round(performance.now() - sinceMs))}.`))
      .catch((error) => {
        throw error instanceof EngineError ? unavailable(image, error.message) : error;
      })
      .finally(() => {
        clearTimeout(timer);
        this.#pulls.delete(key);
      });
    // Every deploy that waits may have been aborted.
    pull.catch(() => {});
    this.#pulls.set(key, pull);
    return pull;
  }

  async #credentials(secret: string): Promise<string> {
    const value = await newestValue(this.#options.secrets, secret);
    if (value.includes(":")) return value;
    const detail = `The secret "${secret}" has no credentials for a registry: store it as USER:PASSWORD.`;
    throw new Problem("invalid_setting", detail, { setting: "pullSecret" });
  }
}

interface Pull {
  readonly engine: Engine;
  /** As it was given, for people. */
  readonly image: string;
  readonly name: string;
  readonly pullSecret?: string | undefined;
  readonly signal: AbortSignal;
}

interface Begun extends Pick<Pull, "engine" | "image" | "name"> {
  readonly credentials: string | undefined;
}

/** The name without what an engine would add in a way of its own. */
export function fullName({ registry, repository, tag, digest }: ImageReference): string {
  const name = `${registry}/${repository}`;
  if (digest !== undefined) return `${name}@${digest}`;
  return `${name}:${tag ?? "latest"}`;
}

/** The digest by which the registry has it, else its id. */
function digestOf(image: EngineImage, { registry, repository }: ImageReference): string {
  const digests = image.repoDigests.flatMap((each) => {
    const parsed = parseImage(each);
    const isSame = parsed?.registry === registry && parsed.repository === repository;
    return isSame && parsed.digest !== undefined ? [parsed.digest] : [];
  });
  return digests.sort()[0] ?? image.id;
}

function notFound(image: string, { registry }: ImageReference): Problem {
  const advice = registry === LOCAL ? "Build it there, or name its registry" : "Check its name and tag";
  const detail = `This machine has no image ${image}. ${advice}.`;
  return new Problem("image_unavailable", detail, { reason: "not_found" });
}

/** @param message of the registry or the engine, which has no credentials */
export function unavailable(image: string, message: string): Problem {
  const reason = reasonOf(message);
  const advice = {
    denied: "If it exists, it needs credentials: store USER:PASSWORD as a secret and name it in pullSecret",
    not_found: "Check its name and tag",
    unreachable: "Check the network and the registry, then try again",
  }[reason];
  const detail = `The image ${image} cannot be pulled: ${message.replace(/\.?\s*$/, "")}. ${advice}.`;
  return new Problem("image_unavailable", detail, { reason });
}

function reasonOf(message: string): "not_found" | "denied" | "unreachable" {
  if (/unauthorized|authentication required|denied|forbidden|\b40[13]\b/i.test(message)) return "denied";
  if (/manifest unknown|name unknown|not found|no such image|does not exist|\b404\b/i.test(message)) {
    return "not_found";
  }
  return "unreachable";
}
