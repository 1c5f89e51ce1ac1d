import type { Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import type { Contents } from "./unified-diff.ts";

/** Returns the files of a stored archive; undefined for one that only another version of Skiff reads. */
export async function unpackOrUndefined(
  stored: Source,
  { builder, signal }: { readonly builder: Pick<Builder, "unpack">; readonly signal: AbortSignal },
): Promise<Contents | undefined> {
  try {
    return (await builder.unpack(stored, signal)).files;
  } catch (error) {
    if (error instanceof Problem && /^(invalid_source|source_too_large)$/.test(error.code)) return undefined;
    throw error;
  }
}
