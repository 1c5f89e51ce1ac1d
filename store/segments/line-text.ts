import type { LogLine } from "../../platform/platform.ts";

/** One line of a segment. A person can read it, and `grep` finds what stands in it. */
export function writeLine(line: LogLine): string {
  // In a fixed order, in which the text may have any length.
  const { at, instance, version, stream, level, callId, status, text } = line;
  return `${JSON.stringify({ at, instance, version, stream, level, callId, status, text })}\n`;
}

/** Undefined for what no Skiff wrote. */
export function readLine(text: string): LogLine | undefined {
  try {
    const { at, ...line } = JSON.parse(text) as Omit<LogLine, "at"> & { at: string };
    return typeof line.text === "string" ? { at: new Date(at), ...line } : undefined;
  } catch {
    // A file system may leave zeros after a power cut.
    return undefined;
  }
}
