import type { Sticky } from "../../platform/platform.ts";
import type { RequestHead } from "./request.ts";

/** Returns the value by which a caller stays with its version; undefined if the request has none, or an empty one. */
export function stickyValue({ rawHeaders }: RequestHead, sticky: Sticky): string | undefined {
  const wanted = "cookie" in sticky ? "cookie" : sticky.header;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length !== wanted.length || name.toLowerCase() !== wanted) continue;
    const field = rawHeaders[i + 1]!;
    const value = "cookie" in sticky ? cookieIn(field, sticky.cookie) : field;
    if (value) return value;
  }
  return undefined;
}

/** The first cookie of the name counts (RFC 6265, section 4.2.1). */
function cookieIn(field: string, name: string): string | undefined {
  for (const pair of field.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
