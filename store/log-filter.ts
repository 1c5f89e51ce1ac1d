import { LOG_LEVELS, type LogLevel, type LogLine } from "../platform/platform.ts";
import type { LogQuery } from "./store.ts";

/** Returns whether a line matches the query, apart from `tail` and `after`. */
export function logFilter(query: LogQuery): (line: LogLine) => boolean {
  const { since, until, call, level, version, search, status } = query;
  const rules: ((line: LogLine) => boolean)[] = [];
  if (since) rules.push(({ at }) => at >= since);
  if (until) rules.push(({ at }) => at < until);
  if (call !== undefined) rules.push(({ callId }) => callId === call);
  if (level !== undefined) {
    const least = LOG_LEVELS.indexOf(level);
    rules.push((line) => LOG_LEVELS.indexOf(levelOf(line)) >= least);
  }
  if (version !== undefined) rules.push((line) => line.version === version);
  if (search !== undefined) {
    const part = search.toLowerCase();
    rules.push(({ text }) => text.toLowerCase().includes(part));
  }
  if (status !== undefined) {
    const pattern = status.toLowerCase();
    const isClass = pattern.endsWith("xx");
    rules.push(
      (line) =>
        line.status !== undefined &&
        (isClass ? `${Math.floor(line.status / 100)}xx` : String(line.status)) === pattern,
    );
  }
  return (line) => rules.every((rule) => rule(line));
}

export function levelOf({ level, stream }: LogLine): LogLevel {
  return level ?? (stream === "stderr" ? "error" : "info");
}
