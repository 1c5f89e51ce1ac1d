import { setTimeout as pause } from "node:timers/promises";
import type { Cluster } from "../cluster/api.ts";
import { clusterProblem, hasStatus } from "../cluster/api-error.ts";
import { KINDS, pathOf } from "../cluster/resources.ts";
import { COMMAND_CONTAINER } from "../objects/names.ts";
import { LogCursor } from "./log-cursor.ts";

const RETRY_MS = 200;
/** The kubelet closes the log of a container that ended up to a second late. A quiet one is closed after this. */
const QUIET_MS = 50;
/** Failures in a row after which a log whose container has ended is given up. */
const MOST_FAILURES = 50;

export interface LogOptions extends Cluster {
  /** Whether the container has ended, so that its log is complete. */
  readonly hasEnded: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * Yields the output of a container that has started, from its start to its end and each byte once, across connections
 * that break. The log of a pod that is gone ends.
 * @throws Problem `platform_unavailable` if the cluster does not send the rest of it
 */
export async function* commandLog(pod: string, options: LogOptions): AsyncGenerator<Uint8Array> {
  const { api, namespace, hasEnded, signal } = options;
  const path = pathOf({ kind: KINDS.pods, namespace, name: pod, subresource: "log" });
  const cursor = new LogCursor();
  for (let failures = 0; !signal.aborted; ) {
    const isWhole = hasEnded();
    const since = cursor.begin();
    const query = {
      container: COMMAND_CONTAINER,
      timestamps: "true",
      ...(isWhole ? {} : { follow: "true" }),
      ...(since === undefined ? {} : { sinceTime: since }),
    };
    const quiet = new QuietEnd(hasEnded);
    try {
      const until = isWhole ? signal : AbortSignal.any([signal, quiet.signal]);
      for await (const chunk of api.chunks({ path, query, signal: until })) {
        failures = 0;
        quiet.hold();
        const text = cursor.read(chunk);
        if (text.length > 0) yield text;
        quiet.release();
      }
      // An end of the connection is no end of the log, unless the container had ended before.
      if (isWhole) return;
    } catch (error) {
      if (signal.aborted || hasStatus(error, 404)) return;
      if (!quiet.signal.aborted && ++failures > MOST_FAILURES && isWhole) throw clusterProblem(error);
    } finally {
      quiet.close();
    }
    if (!hasEnded() || failures > 0) await pause(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}

/** Aborts the reading of a log that has been quiet since its container ended. */
class QuietEnd {
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #isHeld = false;
  #since = performance.now();

  constructor(hasEnded: () => boolean) {
    this.#timer = setInterval(() => {
      if (!hasEnded()) this.#since = performance.now();
      else if (!this.#isHeld && performance.now() - this.#since >= QUIET_MS) this.#abort.abort();
    }, QUIET_MS / 2);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What was read is on its way to a slow reader. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#since = performance.now();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
