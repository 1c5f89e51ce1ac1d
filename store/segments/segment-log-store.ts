import { join } from "node:path";
import { isFunctionName } from "../../platform/function-name.ts";
import type { LogLine } from "../../platform/platform.ts";
import { draining } from "../../platform/problems.ts";
import { RetentionTimer } from "../retention-timer.ts";
import type { KeptLine, LogQuery, LogStore } from "../store.ts";
import { followLog } from "./follow-log.ts";
import { type Bounds, FunctionLog, filesIn } from "./function-log.ts";
import { readLog } from "./read-log.ts";
import { idOf, parseSegmentName } from "./segment.ts";

export interface SegmentOptions extends Bounds {
  /** Holds one folder for each function. */
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly now?: () => number;
}

/**
 * The lines of the functions of one machine, as files of JSON lines that only grow. A written line survives the end of
 * the process. It is not forced to the disk, so that a power cut can lose the last seconds.
 */
export class SegmentLogStore implements LogStore {
  readonly #options: SegmentOptions;
  readonly #logs = new Map<string, FunctionLog>();
  readonly #retention: RetentionTimer;
  #isClosed = false;

  constructor(options: SegmentOptions) {
    this.#options = options;
    this.#retention = new RetentionTimer(
      () => this.#prune(),
      (error) => options.print(`old log lines were not removed: ${error.message}`),
    );
  }

  async append(name: string, lines: readonly LogLine[]): Promise<void> {
    if (this.#isClosed) throw draining();
    if (lines.length > 0) await this.#logOf(name).append(lines);
  }

  read(name: string, query: LogQuery): AsyncIterable<KeptLine> {
    return readLog(this.#logOf(name), query);
  }

  follow(name: string, query: LogQuery & { readonly signal: AbortSignal }): AsyncIterable<KeptLine> {
    return followLog(this.#logOf(name), query);
  }

  async end(name: string): Promise<string> {
    const log = this.#logOf(name);
    await log.load();
    return idOf(log.end);
  }

  async forget(name: string): Promise<void> {
    const log = this.#logOf(name);
    this.#logs.delete(name);
    await log.remove();
  }

  /** Waits for the writes under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#retention.close();
    await Promise.all([...this.#logs.values()].map((log) => log.settled()));
  }

  #logOf(name: string): FunctionLog {
    const { folder, now = Date.now, ...bounds } = this.#options;
    const log = this.#logs.get(name) ?? new FunctionLog(join(folder, name), bounds, now);
    this.#logs.set(name, log);
    return log;
  }

  /** Also of functions that print nothing any more, or do not exist. */
  async #prune(): Promise<boolean> {
    const { folder, ageMs, now = Date.now } = this.#options;
    for (const name of (await filesIn(folder)).filter(isFunctionName)) {
      const created = (await filesIn(join(folder, name))).map(
        (file) => parseSegmentName(file)?.createdMs ?? 0,
      );
      if (created.some((createdMs) => now() - createdMs > ageMs)) await this.#logOf(name).prune();
    }
    return false;
  }
}
