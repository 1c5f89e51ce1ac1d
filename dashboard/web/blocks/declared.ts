import { api } from "../api/client.ts";
import { includes } from "../api/read-back.ts";
import { showWritten } from "../ui/toast.tsx";

/** A topic, a subscription or a schedule as it was read for a change. */
export interface Declared<T> {
  readonly spec: T;
  /** Guards the change: somebody else may have made another one since. Undefined for what does not exist yet. */
  readonly etag: string | undefined;
}

/** @param path such as `/topic/orders` */
export async function readDeclared<T>(path: string): Promise<Declared<T>> {
  const response = await api.raw("GET", path);
  const { spec } = (await response.json()) as { spec: T };
  return { spec, etag: response.headers.get("etag") ?? undefined };
}

export interface PutOptions {
  readonly spec: unknown;
  readonly etag: string | undefined;
  /** What is stored, such as `The schedule nightly`. */
  readonly what: string;
}

interface PutAnswer {
  readonly spec: unknown;
  readonly warnings?: readonly string[];
}

/**
 * Stores a whole spec, and says so with the warnings of the API once it was read back. Without a tag the name must be free.
 * @throws ApiProblem, such as `precondition_failed` or `invalid_declaration`, which names the member
 */
export async function putDeclared(path: string, { spec, etag, what }: PutOptions): Promise<void> {
  const headers = etag === undefined ? { "if-none-match": "*" } : { "if-match": etag };
  const answer = await api.send<PutAnswer>("PUT", path, { json: spec, headers });
  await showWritten([`${what} is stored.`, ...(answer.warnings ?? [])].join(" "), {
    stored: `${what} is stored.`,
    read: () => readDeclared(path),
    differs: (now) => (includes(now.spec, answer.spec) ? undefined : "it has another spec"),
  });
}
