import type { StoreDatabase } from "./store-database.ts";

export type StoreMethod = "prepare" | "functions" | "versions" | "read" | "publish" | "remove" | "close";

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

/** An error without what makes it one: a structured clone keeps no fields of its own. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  /** A system error's name, such as `ENOSPC`, or node's. */
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
