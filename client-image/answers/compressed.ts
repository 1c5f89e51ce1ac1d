/** The option `automaticCompression` of `Deno.serve`. */
import type { Handler } from "../forms/context.ts";
import { nativeResponse } from "./native-response.ts";

const COMPRESSIBLE =
  /^(text\/|application\/(json|javascript|xml|wasm|.+\+(json|xml))|image\/svg\+xml|font\/)/;
/** Deno compresses no smaller body of known length. */
const LEAST_BYTES = 64;

/** Returns a handler whose responses are gzipped where the client accepts it, by the rules of Deno. */
export function compressed(handler: Handler): Handler {
  return async (request, context) => {
    const result = await handler(request, context);
    const Native = nativeResponse();
    if (!(result instanceof Native) || !mayCompress(request, result)) return result;
    const headers = new Headers(result.headers);
    headers.set("content-encoding", "gzip");
    headers.append("vary", "accept-encoding");
    headers.delete("content-length");
    const etag = headers.get("etag");
    if (etag?.startsWith('"')) headers.set("etag", `W/${etag}`);
    const { status, statusText } = result;
    const body = result.body!.pipeThrough(new CompressionStream("gzip"));
    return new Native(body, { status, statusText, headers });
  };
}

function mayCompress(request: Request, response: Response): boolean {
  const { headers } = response;
  return (
    response.body !== null &&
    request.method !== "HEAD" &&
    acceptsGzip(request.headers.get("accept-encoding") ?? "") &&
    COMPRESSIBLE.test(headers.get("content-type") ?? "") &&
    !headers.has("content-encoding") &&
    !headers.has("content-range") &&
    !/\bno-transform\b/.test(headers.get("cache-control") ?? "") &&
    Number(headers.get("content-length") ?? LEAST_BYTES) >= LEAST_BYTES
  );
}

function acceptsGzip(accepted: string): boolean {
  return accepted.split(",").some((each) => {
    const [name = "", ...parameters] = each.split(";").map((part) => part.trim().toLowerCase());
    return (name === "gzip" || name === "*") && !parameters.some((part) => /^q=0(\.0*)?$/.test(part));
  });
}
