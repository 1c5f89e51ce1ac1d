import type { Form, SentLine } from "./log-forms.ts";

/** Less than proxies allow a silent connection. */
const IDLE_MS = 15_000;

/** Writes lines in a form. Followed lines have an occasional sign of life. */
export async function* sendLines(
  lines: AsyncIterable<SentLine>,
  { head, idle, write }: Form,
  follow: boolean,
): AsyncGenerator<string> {
  if (head !== undefined) yield head;
  if (!follow || idle === undefined) {
    for await (const line of lines) yield write(line);
    return;
  }
  const reader = lines[Symbol.asyncIterator]();
  try {
    for (let next = reader.next(); ; ) {
      const result = await withinIdleTime(next);
      if (result === undefined) yield idle;
      else if (result.done) return;
      else {
        yield write(result.value);
        next = reader.next();
      }
    }
  } finally {
    await reader.return?.();
  }
}

/** Undefined if there is no line for a while. */
async function withinIdleTime<T>(next: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, IDLE_MS);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
}
