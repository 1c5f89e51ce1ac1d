import type { Source } from "../../platform/platform.ts";
import type { Runtime } from "../../platform/settings/runtime.ts";
import type { Builder } from "../../runtimes/runtime.ts";

export interface Recognition {
  /** The new runtime. */
  readonly runtime: Runtime;
  readonly builder: Pick<Builder, "recognize">;
}

/**
 * Recognises a stored source for another runtime, so that it is refused or built as if the file were deployed with it.
 * Undefined where the runtime decides nothing: for archives and images.
 * @throws Problem `invalid_source` if it is a program and the runtime is Deno
 */
export function recognizeAgain(
  { bytes, type }: Source,
  { runtime, builder }: Recognition,
): Source | undefined {
  const isFile = type === "text/typescript" || type === "application/octet-stream";
  if (!isFile || runtime === "image") return undefined;
  // Without a runtime a program is not taken for TypeScript.
  const source = builder.recognize(bytes, runtime === "deno" ? {} : { runtime });
  return source.type === type ? undefined : source;
}
