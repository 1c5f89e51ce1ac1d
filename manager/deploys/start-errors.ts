import type { Source } from "../../platform/platform.ts";
import type { SourceError } from "../../platform/problems.ts";
import type { Builder } from "../../runtimes/runtime.ts";

/** A frame of a stack: `at f (file:///skiff/code/main.ts:3:9)`. */
const FRAME = /^\s+at .*?file:\/\/(?<path>[^\s()]+):(?<line>\d+):(?<column>\d+)\)?$/;
const ANY_FRAME = /^\s+at /;
const SINGLE = /\/(?<file>main\.(?:tsx?|c[jt]s))$/;

/**
 * Returns where a version failed to start: the first place of its source in the log. Empty if the log names none.
 * @param log the last lines of the version
 */
export async function startErrors(
  log: readonly string[],
  source: Source,
  { builder, signal }: { readonly builder: Pick<Builder, "unpack">; readonly signal: AbortSignal },
): Promise<readonly SourceError[]> {
  if (!log.some((line) => FRAME.test(line))) return [];
  const files =
    source.type === "text/typescript"
      ? new Map([["", source.bytes]])
      : (await builder.unpack(source, signal)).files;
  for (const [at, frame] of log.entries()) {
    const { path, line, column } = FRAME.exec(frame)?.groups ?? {};
    const found = path === undefined ? undefined : fileAt(path, files);
    if (found === undefined) continue;
    const message = log.slice(0, at).findLast((each) => !ANY_FRAME.test(each) && each.trim() !== "");
    const lines = Buffer.from(found.bytes)
      .toString()
      .split(/\r\n|\n|\r/);
    return [
      {
        message: (message ?? frame).trim(),
        file: found.file,
        line: Number(line),
        column: Number(column),
        lineText: (lines[Number(line) - 1] ?? "").slice(0, 160),
      },
    ];
  }
  return [];
}

/** Instances see the files of a source below folders of their own. */
function fileAt(
  path: string,
  files: ReadonlyMap<string, Uint8Array>,
): { readonly file: string; readonly bytes: Uint8Array } | undefined {
  const single = files.get("");
  if (single !== undefined) {
    const file = SINGLE.exec(path)?.groups?.file;
    return file === undefined ? undefined : { file, bytes: single };
  }
  const parts = decodeURI(path).split("/");
  // The longest path first, because main.ts may be at the root and in a folder.
  for (let from = 1; from < parts.length; from++) {
    const file = parts.slice(from).join("/");
    const bytes = files.get(file);
    if (bytes !== undefined) return { file, bytes };
  }
  return undefined;
}
