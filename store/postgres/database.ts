import type { Pool, PoolClient } from "pg";
import { draining } from "../../platform/problems.ts";
import type { Row, Statement, Work } from "../sql/work.ts";
import { storeUnavailable } from "../unavailable.ts";
import { isWorthAnotherTry, toUnavailable } from "./failure.ts";
import { migrate } from "./migrate.ts";
import { queryOf } from "./query.ts";

const CONNECTIONS = 8;
/** For a connection that is free, or a new one. */
const CONNECT_MS = 5_000;
const STATEMENT_MS = 20_000;
/** The server ends a statement first, unless it does not answer at all. */
const ANSWER_MS = STATEMENT_MS + 5_000;
const TRIES = 3;

/** In one message. A server may be configured to acknowledge before the disk has a commit; `on` undoes that. */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = ${STATEMENT_MS}; SET LOCAL synchronous_commit = on`;

export interface DatabaseOptions {
  /** As `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the parameters of libpq such as `sslmode`. */
  readonly url: string;
  /** Logs one line. */
  readonly print: (line: string) => void;
  /** Most connections; 8 by default. */
  readonly connections?: number;
}

/** Transactions on PostgreSQL. It connects with the first one, and again whenever the server was away. */
export class Database {
  readonly #options: DatabaseOptions;
  #pool: Promise<Pool> | undefined;
  #migrated: Promise<void> | undefined;
  #isClosed = false;
  /** So that one outage prints one line. */
  #isAway = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /**
   * Runs a transaction, which is durable when this resolves. `start` is called again when the server undid it.
   * @throws Problem `store_unavailable`, `draining`
   */
  async run<T>(start: () => Work<T>): Promise<T> {
    if (this.#isClosed) throw draining();
    try {
      const pool = await this.#connected();
      for (let attempt = 1; ; attempt++) {
        const outcome = await attemptOn(pool, start);
        if ("result" in outcome) {
          this.#isAway = false;
          return outcome.result;
        }
        if (attempt === TRIES || !outcome.wasUndone || !isWorthAnotherTry(outcome.error)) throw outcome.error;
      }
    } catch (error) {
      if (this.#isClosed) throw draining();
      throw toUnavailable(error);
    }
  }

  /** Waits for transactions under way. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const pool = await this.#pool;
    await pool?.end();
  }

  /** Returns the pool, after the schema was brought up to date once. */
  async #connected(): Promise<Pool> {
    this.#pool ??= this.#open();
    const pool = await this.#pool;
    this.#migrated ??= this.#migrate(pool);
    await this.#migrated;
    return pool;
  }

  async #open(): Promise<Pool> {
    const { default: pg } = await import("pg");
    const pool = new pg.Pool({
      connectionString: this.#options.url,
      application_name: "skiff",
      max: this.#options.connections ?? CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    // The pool listens while a connection is idle. Without a listener of its own, one that ends in the moment in which it is
    // made, or between two statements, would end the program. The next statement reports it.
    pool.on("connect", (client) => client.on("error", () => {}));
    // An idle connection that ends leaves the pool. The next transaction connects again, or reports why it cannot.
    pool.on("error", (error) => {
      if (!this.#isAway) this.#options.print(`connections to the store ended: ${error.message}`);
      this.#isAway = true;
    });
    return pool;
  }

  async #migrate(pool: Pool): Promise<void> {
    try {
      await onClient(pool, migrate);
    } catch (error) {
      // The next transaction tries again.
      this.#migrated = undefined;
      const cause = toUnavailable(error);
      throw cause === error ? storeUnavailable((error as Error).message, error) : cause;
    }
  }
}

type Attempt<T> = { readonly result: T } | { readonly error: unknown; readonly wasUndone: boolean };

async function attemptOn<T>(pool: Pool, start: () => Work<T>): Promise<Attempt<T>> {
  let wasUndone = true;
  try {
    const result = await onClient(pool, async (client) => {
      const work = start();
      const first = await carryOut(client, { work, step: work.next([]), until: ({ isRead }) => !isRead });
      if (first.done) return first.value;
      await client.query(BEGIN);
      const last = await carryOut(client, { work, step: first, until: () => false });
      wasUndone = false;
      await client.query("COMMIT");
      return last.value as T;
    });
    return { result };
  } catch (error) {
    return { error, wasUndone };
  }
}

/** Ends the connection if `use` fails: the server undoes the transaction then. */
async function onClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    return await use(client);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}

interface Progress<T> {
  readonly work: Work<T>;
  readonly step: IteratorResult<Statement, T>;
  /** The statement before which it ends. */
  readonly until: (statement: Statement) => boolean;
}

async function carryOut<T>(client: PoolClient, { work, step, until }: Progress<T>) {
  let current = step;
  while (!current.done && !until(current.value)) {
    const { rows } = await client.query<Row>(queryOf(current.value));
    current = work.next(rows);
  }
  return current;
}
