import { api } from "./client.ts";

export interface Named {
  readonly name: string;
}

/** 2,000 names at the usual size of a page: enough to choose from, and an end. */
const MOST_PAGES = 20;

/**
 * Reads a list of the API page by page, each as it comes.
 * @param member that has the rows, such as `functions`
 */
export async function* pagesOf<T>(path: string, member: string, signal?: AbortSignal): AsyncGenerator<T[]> {
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await api.get<Record<string, unknown>>(path, { cursor }, signal);
    yield answer[member] as T[];
    cursor = (answer.next as string | null | undefined) ?? undefined;
    if (cursor === undefined) return;
  }
}
