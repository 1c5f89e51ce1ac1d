/** The files of the dashboard, as `dashboard/build/` makes them. */
export interface Assets {
  /** The page, with `__NONCE__` where the nonce of its answer goes. */
  readonly index: string;
  /** Returns a file by its name below `/assets/`, which changes with its content. */
  get(name: string): Asset | undefined;
}

export interface Asset {
  /** The media type. */
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}
