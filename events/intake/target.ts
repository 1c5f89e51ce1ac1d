/** The parts of `/async/fn/NAME[@N]…`, not decoded. */
export interface AsyncTarget {
  readonly name: string;
  /** 0 for anything but a number after the `@`. Undefined: the traffic decides. */
  readonly version: number | undefined;
  /** Path after the function; begins with a slash. */
  readonly path: string;
  /** With its `?`; empty for none. */
  readonly query: string;
  /** The authority of an absolute-form target (RFC 9112 3.2.2), which overrides the Host header. */
  readonly authority: string | undefined;
}

const TARGET = /^(?:https?:\/\/([^/?#]*))?\/async\/fn\/([^/?@]+)(?:@([^/?]*))?(\/[^?]*)?(\?.*)?$/i;

/** Returns undefined for a target of another form. The name is not checked. */
export function parseAsyncTarget(url: string): AsyncTarget | undefined {
  const match = TARGET.exec(url);
  if (match === null) return undefined;
  const [, authority, name, version, path = "/", query = ""] = match;
  return {
    name: name!,
    version: version === undefined ? undefined : /^[1-9]\d{0,14}$/.test(version) ? Number(version) : 0,
    path,
    query: query === "?" ? "" : query,
    authority,
  };
}
