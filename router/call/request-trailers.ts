import type { IncomingMessage } from "node:http";
import { connectionNames, passes } from "../exchange/request-head.ts";

/**
 * Besides what does not pass as a header: fields that say how the request is to be taken come too late (RFC 9110
 * 6.5.1), and a server that puts trailers among the headers would believe them over what was checked before the body.
 */
const HEADER_ONLY =
  /^(?:authorization|cache-control|content-.*|cookie2?|if-.*|max-forwards|pragma|range|set-cookie|x-forwarded-.*)$/;

/** The sum of a body in chunks is what trailers are for (RFC 9530). */
const CONTENT_DIGEST = "content-digest";

/** The trailer fields of a request whose body has ended, as the instance gets them: names and values in turn. */
export function requestTrailers({ rawTrailers, headers }: IncomingMessage): string[] {
  if (rawTrailers.length === 0) return rawTrailers;
  const named = connectionNames(headers.connection);
  const trailers: string[] = [];
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = rawTrailers[i]!.toLowerCase();
    if (!passes(name, named) || (HEADER_ONLY.test(name) && name !== CONTENT_DIGEST)) continue;
    trailers.push(rawTrailers[i]!, rawTrailers[i + 1]!);
  }
  return trailers;
}
