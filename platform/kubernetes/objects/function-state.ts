import type { FunctionResource, FunctionSpec } from "../cluster/resources.ts";
import { sourceHash } from "../versions/versions.ts";
import { ANNOTATIONS } from "./names.ts";

/** When a publish of this function began that has not ended yet, in milliseconds since 1970. */
export function publishingSince({ metadata }: FunctionResource): number | undefined {
  const text = metadata.annotations?.[ANNOTATIONS.publishingSince];
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  // What cannot be read was written by hand, and must not hold deploys up.
  return Number.isNaN(ms) ? 0 : ms;
}

/** Undefined if the Function has no inline source. */
export function inlineSourceHash({ source }: FunctionSpec): string | undefined {
  return source === undefined
    ? undefined
    : sourceHash({ type: "text/typescript", bytes: Buffer.from(source) });
}
