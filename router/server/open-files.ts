import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { LimitedLog } from "../../process/limited-log.ts";

/** Files kept free for instances and their pipes, builds, the database and Node itself. */
const RESERVED = 64;
/** Share of all files kept free besides: a process that may have many files has many instances. */
const RESERVED_SHARE = 1 / 8;
/** The connection of the client and the one to the instance. */
const FILES_PER_CALL = 2;
/** Connections that a server accepts under any limit. */
const LEAST = 16;
const PRINT_LIMIT = { lines: 1, perMs: 60_000 };

/**
 * Limits the connections of a server to the open files that the system allows: a process without free files
 * cannot start or check an instance, or read its disk. Further connections are closed at once.
 */
export function limitConnections(server: Server, print: (line: string) => void): void {
  const files = openFilesLimit();
  if (files === undefined) return;
  const most = Math.max(LEAST, Math.floor((files * (1 - RESERVED_SHARE) - RESERVED) / FILES_PER_CALL));
  server.maxConnections = most;
  const log = new LimitedLog(print, PRINT_LIMIT);
  const limit = `the most for ${files} open files (ulimit -n)`;
  const line = `Connections are refused: ${most} are open, ${limit}: raise it.`;
  server.on("drop", () => log.print(line));
}

/** Returns undefined where the system has no `/proc`, or sets no limit. */
function openFilesLimit(): number | undefined {
  try {
    const text = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return text === undefined ? undefined : Number(text);
  } catch {
    return undefined;
  }
}
