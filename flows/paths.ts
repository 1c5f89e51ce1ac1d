import { targetPath } from "../calling/requests/target-path.ts";

/** What the requests that flows answer are for: runs that begin, or the HTTP trigger of a flow. */
export type FlowPath = "run" | "http";

const RUN = /^\/flow\/[^/?]+\/run\/?(\?|$)/;
const HTTP = /^\/flow\/[^/?]+\/http(?=[/?]|$)/;

/**
 * Returns which requests of flows this is: POST /flow/NAME/run, and all at /flow/NAME/http and below. Undefined for everything
 * else, which is the manager's.
 */
export function flowPath(method: string, target: string): FlowPath | undefined {
  const path = targetPath(target);
  if (!path.startsWith("/flow/")) return undefined;
  if (HTTP.test(path)) return "http";
  return method === "POST" && RUN.test(path) ? "run" : undefined;
}
