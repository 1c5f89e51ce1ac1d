import { setImmediate as turn } from "node:timers/promises";
import type { Form, SentLine } from "./log-forms.ts";

/** Less than proxies allow a silent connection. */
const IDLE_MS = 15_000;
const CHUNK_CHARACTERS = 64 * 1024;

/** Writes lines in a form. Followed lines have an occasional sign of life. */
export async function* sendLines<T = SentLine>(
  lines: AsyncIterable<T>,
  { head, idle, write }: Form<T>,
  follow: boolean,
): AsyncGenerator<string> {
  if (head !== undefined) yield head;
  const chunks = gathered(lines, write);
  yield* follow && idle !== undefined ? withSigns(chunks, idle) : chunks;
}

/** Joins what there is at a time: writing each line by itself costs more than everything before. */
async function* gathered<T>(lines: AsyncIterable<T>, write: (line: T) => string): AsyncGenerator<string> {
  const reader = lines[Symbol.asyncIterator]();
  try {
    for (let next = reader.next(); ; ) {
      const first = await next;
      if (first.done) return;
      let text = write(first.value);
      next = reader.next();
      // The loop gets its error when it awaits it.
      next.catch(() => {});
      const nothing = turn(undefined);
      while (text.length < CHUNK_CHARACTERS) {
        const result = await Promise.race([next, nothing]).catch(() => undefined);
        if (result === undefined || result.done) break;
        text += write(result.value);
        next = reader.next();
        next.catch(() => {});
      }
      yield text;
    }
  } finally {
    await reader.return?.();
  }
}

async function* withSigns(chunks: AsyncGenerator<string>, idle: string): AsyncGenerator<string> {
  try {
    for (let next = chunks.next(); ; ) {
      const result = await withinIdleTime(next);
      if (result === undefined) yield idle;
      else if (result.done) return;
      else {
        yield result.value;
        next = chunks.next();
      }
    }
  } finally {
    await chunks.return(undefined);
  }
}

/** Undefined if there is nothing for a while. */
async function withinIdleTime<T>(next: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, IDLE_MS);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
}
