import { storeUnavailable } from "../unavailable.ts";

/** Codes of the system for a server that cannot be reached. */
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
  "ENOENT",
]);
/**
 * SQLSTATE by prefix (PostgreSQL, appendix A): connection, authorization, no such database, read-only server, resources, a
 * canceled statement or a shutdown, the system, no privilege.
 */
const SQL_STATES = ["08", "28", "3D", "25006", "53", "57", "58", "42501"];
/** Serialization failure and deadlock: the transaction was undone and may run again. */
const CONFLICTS = new Set(["40001", "40P01"]);
/** Errors of `pg` itself have no code. */
const OF_PG =
  /^(Connection terminated|timeout e|Query read timeout|Client has encountered|The server does not)/;

interface Coded {
  readonly code?: string;
  readonly message: string;
}

/** Whether the database cannot do its work now, as opposed to a fault of Skiff. */
export function isAway(error: unknown): boolean {
  const { code = "", message } = error as Coded;
  return (
    NETWORK.has(code) ||
    (code.length === 5 && SQL_STATES.some((prefix) => code.startsWith(prefix))) ||
    CONFLICTS.has(code) ||
    OF_PG.test(message) ||
    (error instanceof AggregateError && error.errors.some(isAway))
  );
}

/** Whether the transaction was undone for certain when it fails before its commit was sent, and another try may succeed. */
export function isWorthAnotherTry(error: unknown): boolean {
  const { code = "", message } = error as Coded;
  return (
    CONFLICTS.has(code) ||
    code === "57P01" ||
    code === "ECONNRESET" ||
    code === "EPIPE" ||
    message.startsWith("Connection terminated unexpectedly")
  );
}

/** Turns a failure of the database into `store_unavailable` with its reason. Returns other errors unchanged. */
export function toUnavailable(error: unknown): unknown {
  if (!isAway(error)) return error;
  const { message, errors } = error as AggregateError;
  const why = message || errors?.map((each: Error) => each.message).join(", ") || "it does not answer";
  return storeUnavailable(`PostgreSQL: ${why}`, error);
}
