import type { LogLine } from "../platform/platform.ts";
import type { KeptLine, LogQuery, LogStore } from "./store.ts";

const EVERY_MS = 50;
const RETRY_MS = 1_000;
/** Lines that wait for a store that cannot be written: of one function, and of all. */
const WAITING = { characters: 1024 ** 2, all: 64 * 1024 ** 2 };
/** What a line takes besides its text. */
const LINE_CHARACTERS = 100;
/** Writes at a time. */
const WRITERS = 8;

/** What waits for the next write of one function. */
interface Batch {
  readonly lines: LogLine[];
  characters: number;
  /** Lines dropped before those here. */
  lost: number;
}

export interface LogBatchesOptions {
  /** Lines wait until it resolves. */
  readonly store: LogStore | Promise<LogStore>;
  /** Logs one line. */
  readonly print: (line: string) => void;
}

/**
 * Gathers printed lines and writes them to a store, so that printing waits for nothing. While the store fails they wait
 * within bounds. What is dropped is counted in a line of the log.
 */
export class LogBatches implements LogStore {
  readonly #store: LogBatchesOptions["store"];
  readonly #print: LogBatchesOptions["print"];
  readonly #waiting = new Map<string, Batch>();
  /** Removed functions whose lines are to be removed. */
  readonly #forgetting = new Set<string>();
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor({ store, print }: LogBatchesOptions) {
    this.#store = store;
    this.#print = print;
  }

  /** Adds a line to the next write. */
  push(name: string, line: LogLine): void {
    const batch = this.#batchOf(name);
    batch.lines.push(line);
    batch.characters += sizeOf(line);
    this.#characters += sizeOf(line);
    this.#dropOver(batch);
    this.#writeIn(EVERY_MS);
  }

  async append(name: string, lines: readonly LogLine[]): Promise<void> {
    await (await this.#store).append(name, lines);
  }

  /** Reads what was printed before, too. */
  async *read(name: string, query: LogQuery): AsyncGenerator<KeptLine> {
    await this.flush();
    yield* (await this.#store).read(name, query);
  }

  async *follow(name: string, query: LogQuery & { readonly signal: AbortSignal }): AsyncGenerator<KeptLine> {
    await this.flush();
    yield* (await this.#store).follow(name, query);
  }

  /** Returns the position behind what was printed before. */
  async end(name: string): Promise<string> {
    await this.flush();
    return (await this.#store).end(name);
  }

  /** Removes the lines of a function, at once or when the store works again. New lines of its name come after that. */
  async forget(name: string): Promise<void> {
    await this.#writing;
    this.#take(name);
    this.#forgetting.add(name);
    await this.#writeAll();
  }

  /** Writes what waits, unless the store fails. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#hasWork && !this.#isFailing) await this.#writeAll();
  }

  /** Writes what waits once more. What cannot be written is lost. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#writeAll();
    clearTimeout(this.#timer);
  }

  get #hasWork(): boolean {
    return this.#waiting.size + this.#forgetting.size > 0;
  }

  #batchOf(name: string): Batch {
    const batch = this.#waiting.get(name) ?? { lines: [], characters: 0, lost: 0 };
    this.#waiting.set(name, batch);
    return batch;
  }

  #take(name: string): Batch | undefined {
    const batch = this.#waiting.get(name);
    this.#waiting.delete(name);
    this.#characters -= batch?.characters ?? 0;
    return batch;
  }

  #writeIn(ms: number): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => void this.#writeAll(), ms);
    this.#timer.unref();
  }

  #writeAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeWaiting().finally(() => {
      this.#writing = undefined;
      if (this.#hasWork) this.#writeIn(this.#isFailing ? RETRY_MS : EVERY_MS);
    });
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    const names = new Set([...this.#forgetting, ...this.#waiting.keys()]).values();
    let failure: Error | undefined;
    const write = async () => {
      for (const name of names) failure = (await this.#write(name)) ?? failure;
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
    if (failure && !this.#isFailing)
      this.#print(`log lines wait, because they cannot be written: ${failure.message}`);
    this.#isFailing = failure !== undefined;
  }

  /** Returns why the work for a function could not be done; it waits again then. */
  async #write(name: string): Promise<Error | undefined> {
    let batch: Batch | undefined;
    try {
      const store = await this.#store;
      if (this.#forgetting.has(name)) {
        await store.forget(name);
        this.#forgetting.delete(name);
      }
      batch = this.#take(name);
      if (batch === undefined) return undefined;
      const { lines, lost } = batch;
      await store.append(name, lost > 0 ? [lostLine(lost, lines[0]!.at), ...lines] : lines);
      return undefined;
    } catch (error) {
      if (batch) this.#putBack(name, batch);
      return error as Error;
    }
  }

  /** Lets lines wait again, before those that came since. */
  #putBack(name: string, { lines, lost, characters }: Batch): void {
    const newer = this.#take(name);
    const all = this.#batchOf(name);
    for (const line of [...lines, ...(newer?.lines ?? [])]) all.lines.push(line);
    all.characters = characters + (newer?.characters ?? 0);
    all.lost = lost + (newer?.lost ?? 0);
    this.#characters += all.characters;
    this.#dropOver(all);
  }

  /** Drops the oldest lines over the bounds, but never the newest line. */
  #dropOver(batch: Batch): void {
    const over = Math.max(batch.characters - WAITING.characters, this.#characters - WAITING.all);
    if (over <= 0) return;
    let dropped = 0;
    let count = 0;
    for (; dropped < over && count < batch.lines.length - 1; count++) dropped += sizeOf(batch.lines[count]!);
    batch.lines.splice(0, count);
    batch.lost += count;
    batch.characters -= dropped;
    this.#characters -= dropped;
  }
}

function sizeOf({ text }: LogLine): number {
  return LINE_CHARACTERS + text.length;
}

function lostLine(lost: number, at: Date): LogLine {
  const text = `${lost} ${lost === 1 ? "line" : "lines"} before this one could not be written to the log in time.`;
  return { at, instance: "", stream: "platform", level: "warn", text };
}
