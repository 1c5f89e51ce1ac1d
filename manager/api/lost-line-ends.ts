import type { Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";

/** The Content-Type that `curl -d` and `curl --data-binary` send. */
const FORM_TYPE = /^application\/x-www-form-urlencoded(?![^\s;])/i;
const HINT = "curl -d removes line ends; use --data-binary.";

/**
 * Adds a hint to the problem of a source that `curl -d` has probably damaged: it has no line end, and does not build or
 * start.
 */
export function explainLostLineEnds(
  error: unknown,
  { contentType = "", source }: { contentType: string | undefined; source: Source | undefined },
): unknown {
  if (!(error instanceof Problem) || !FORM_TYPE.test(contentType)) return error;
  const { code, detail, extensions } = error as Problem;
  if (code !== "build_failed" && code !== "start_failed" && code !== "invalid_source") return error;
  // An archive may have no such byte either.
  if (source?.type !== "text/typescript" && source?.type !== "application/octet-stream") return error;
  const { bytes } = source;
  if (bytes.includes(0x0a) || bytes.includes(0x0d)) return error;
  // A hint of its own line stays apart from the code and the output that a detail may end with.
  return new Problem(code, `${detail}${detail.includes("\n") ? "\n" : " "}${HINT}`, extensions);
}
