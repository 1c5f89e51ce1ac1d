import type { ClientOrigin } from "../../http/client-origin.ts";
import type { Ingress, RequestHead, Target } from "./request.ts";

/** Authority, path and query of an absolute-form target. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * Returns the function that has the host name of a request. The host that a trusted proxy names counts first, then
 * the one that the request came with.
 */
export function functionAtHost(
  { url = "", headers }: RequestHead,
  origin: ClientOrigin | undefined,
  { byName }: Ingress["hosts"],
): string | undefined {
  const authority = url.startsWith("/") ? undefined : ABSOLUTE.exec(url)?.[1];
  for (const host of [origin?.host, authority ?? headers.host]) {
    const name = host === undefined ? undefined : byName.get(hostName(host));
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Returns the target of a request to a function at its host name; undefined for `*`, which is no path. */
export function targetAtHost(name: string, url: string): Target | undefined {
  const version = undefined;
  if (url.startsWith("/")) return { name, version, path: url, prefix: "", authority: undefined };
  const [, authority, path = ""] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return undefined;
  return { name, version, path: path.startsWith("/") ? path : `/${path}`, prefix: "", authority };
}

/** Returns a `Host` in lower case, without its port and without the dot of the root at its end. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/\.?(?::\d*)?$/, "");
}
