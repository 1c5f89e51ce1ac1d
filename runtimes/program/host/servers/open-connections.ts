import { existsSync, readFileSync } from "node:fs";
import type { ServerAddress } from "./find-listener.ts";

/** State of a connected socket in /proc/net/tcp, and in /proc/net/unix. */
const ESTABLISHED_TCP = "01";
const CONNECTED_UNIX = "03";

/** Counts the connections that the kernel holds open to a server, as far as /proc shows them. */
export function openConnections(address: ServerAddress): number {
  if ("path" in address) return countUnix(readFileSync("/proc/net/unix", "utf8"), address.path);
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].filter((file) => existsSync(file));
  return tables.map((file) => countTcp(readFileSync(file, "utf8"), address.port)).reduce((a, b) => a + b, 0);
}

/** Counts the lines `… state inode path` of connections that a listener on `path` has accepted. */
export function countUnix(table: string, path: string): number {
  const lines = table.split("\n").map((line) => line.trim().split(/\s+/));
  return lines.filter((fields) => fields[5] === CONNECTED_UNIX && fields.slice(7).join(" ") === path).length;
}

/** Counts the lines `n: local:port remote:port state …` of connections to a port of this machine. */
export function countTcp(table: string, port: number): number {
  const lines = table.split("\n").map((line) => line.trim().split(/\s+/));
  const isOpen = ([, local = "", , state]: string[]) =>
    state === ESTABLISHED_TCP && Number.parseInt(local.split(":")[1] ?? "", 16) === port;
  return lines.filter(isOpen).length;
}
