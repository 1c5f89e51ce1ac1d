/** A request to a thread that owns a database. The first one is `open`. */
export interface ThreadRequest {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type ThreadAnswer = { readonly id: number } & (
  | { readonly result: unknown }
  | { readonly error: SentError }
);

/** An error as data, because a structured clone drops its own fields: system codes and SQLite result codes. */
interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
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
