import { targetPath } from "../calling/requests/target-path.ts";

/** What the requests that events answer are for. */
export type EventPath = "async" | "gateway" | "topic";

const TOPIC = /^\/topic\/[^/?]+(\/call)?\/?(\?|$)/;

/**
 * Returns which part of events answers a request: all below /async and /gateway, and what is published with
 * POST /topic/NAME and POST /topic/NAME/call. Undefined for everything else, which is the manager's.
 */
export function eventPath(method: string, target: string): EventPath | undefined {
  const path = targetPath(target);
  const [, first] = /^\/([a-z]+)(?=[/?]|$)/.exec(path) ?? [];
  if (first === "async" || first === "gateway") return first;
  if (first === "topic" && method === "POST" && TOPIC.test(path)) return first;
  return undefined;
}
