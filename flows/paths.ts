/** What the requests that flows answer are for: runs that begin, or the HTTP trigger of a flow. */
export type FlowPath = "run" | "http";

/** Authority and path of an absolute-form target (RFC 9112 3.2.2). */
const ABSOLUTE = /^https?:\/\/[^/?#]*(.*)$/i;
const RUN = /^\/flow\/[^/?]+\/run\/?(\?|$)/;
const HTTP = /^\/flow\/[^/?]+\/http(?=[/?]|$)/;

/**
 * Returns which requests of flows this is: POST /flow/NAME/run, and all at /flow/NAME/http and below. Undefined for everything
 * else, which is the manager's.
 */
export function flowPath(method: string, target: string): FlowPath | undefined {
  const path = target.startsWith("/") ? target : (ABSOLUTE.exec(target)?.[1] ?? "");
  if (!path.startsWith("/flow/")) return undefined;
  if (HTTP.test(path)) return "http";
  return method === "POST" && RUN.test(path) ? "run" : undefined;
}
