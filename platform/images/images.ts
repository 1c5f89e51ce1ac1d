/** The source of a function that runs an image, as JSON. */
export interface ImageSource {
  /** As it was given, such as `docker.io/library/nginx:1.27`. */
  readonly image: string;
  /** What it meant at the deploy, such as `sha256:…`. The version runs this, whatever the name means later. */
  readonly digest: string;
  /** No registry has the image: the digest is its id on the machines that have it. */
  readonly isLocal?: boolean;
}

/** Container images, where a platform can run them. */
export interface Images {
  /**
   * Finds out what the name of an image means now. Pulls it where that is how one finds out, with a deadline of its own.
   * @throws Problem `image_not_allowed`, `image_unavailable` with the reason (no such image, denied, unreachable, timeout),
   * `no_engine` with what to install, `unknown_secret`; the reason of `signal`
   */
  resolve(image: string, options: ResolveOptions): Promise<ImageSource>;
}

export interface ResolveOptions {
  /** Secret of the form `user:password`. */
  readonly pullSecret?: string | undefined;
  readonly signal: AbortSignal;
}
