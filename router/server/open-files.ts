import { readFileSync } from "node:fs";
import type { Server } from "node:net";

/** Files that are kept free of calls: instances and their pipes, builds, the database, what node needs itself. */
const RESERVED = 64;
/** And this share of all, because who may have many files has many instances. */
const RESERVED_SHARE = 1 / 8;
/** A call has the connection of its client and one to an instance. */
const FILES_PER_CALL = 2;
/** A server takes so many, however little there is. */
const LEAST = 16;
/** Time between two lines about connections that were refused, in milliseconds. */
const TELL_EVERY_MS = 60_000;

/**
 * Lets a server take only as many connections as the system gives files for: a process that has none left cannot
 * start an instance, look after those it has, or read its own disk. One connection more is closed at once.
 */
export function limitConnections(server: Server, print: (line: string) => void): void {
  const files = openFilesLimit();
  if (files === undefined) return;
  const most = connectionsFor(files);
  server.maxConnections = most;
  let toldMs = Number.NEGATIVE_INFINITY;
  server.on("drop", () => {
    const nowMs = performance.now();
    if (nowMs - toldMs < TELL_EVERY_MS) return;
    toldMs = nowMs;
    print(
      `Connections are refused: ${most} are open, which is the most for ${files} open files (ulimit -n); raise it.`,
    );
  });
}

/** Connections of clients that a process with this limit of open files can have. */
export function connectionsFor(files: number): number {
  return Math.max(LEAST, Math.floor((files * (1 - RESERVED_SHARE) - RESERVED) / FILES_PER_CALL));
}

/** Files that this process may have open; undefined where the system does not tell, or sets no limit. */
export function openFilesLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const text = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return text === undefined ? undefined : Number(text);
  } catch {
    return undefined;
  }
}
