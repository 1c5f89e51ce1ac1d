import { api } from "../api/client.ts";

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

/**
 * Stores a whole spec and returns the warnings of the API. Without a tag the name must be free.
 * @throws ApiProblem, such as `precondition_failed` or `invalid_declaration`, which names the member
 */
export async function putDeclared(path: string, spec: unknown, etag?: string): Promise<readonly string[]> {
  const headers = etag === undefined ? { "if-none-match": "*" } : { "if-match": etag };
  const answer = await api.send<{ warnings?: readonly string[] }>("PUT", path, { json: spec, headers });
  return answer.warnings ?? [];
}
