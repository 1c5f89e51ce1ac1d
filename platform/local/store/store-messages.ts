import type { StoreDatabase } from "./store-database.ts";

export type StoreMethod = Exclude<keyof StoreDatabase, symbol>;

/** To the thread, which answers in order; `open` comes first. */
export interface StoreRequest {
  readonly id: number;
  readonly method: StoreMethod | "open";
  readonly args: readonly unknown[];
}

export type StoreAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: SentError };

export type StoreResult<M extends StoreMethod> = ReturnType<StoreDatabase[M]>;

/** An error as data: a structured clone keeps no fields of its own. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  /** The code of the system or of Node, such as `ENOSPC`. */
  readonly code: unknown;
  /** SQLite's result code. */
  readonly errcode: unknown;
  readonly cause: SentError | undefined;
}

export function sendError(error: unknown): SentError {
  const { message, stack, code, errcode, cause } = error as Error & { code?: unknown; errcode?: unknown };
  return { message, stack, code, errcode, cause: cause instanceof Error ? sendError(cause) : undefined };
}

export function receiveError({ message, stack, cause, ...codes }: SentError): Error {
  const error = new Error(message, cause && { cause: receiveError(cause) });
  return Object.assign(error, codes, { stack });
}
