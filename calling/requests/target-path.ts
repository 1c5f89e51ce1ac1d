/** Authority and path of an absolute-form target (RFC 9112 3.2.2). */
const ABSOLUTE = /^https?:\/\/[^/?#]*(.*)$/i;

/** Returns path and query of the target of a request; empty for a form that has none. */
export function targetPath(target: string): string {
  return target.startsWith("/") ? target : (ABSOLUTE.exec(target)?.[1] ?? "");
}
