import type { Bundle, Source } from "../../../platform/platform.ts";
import { neverBegan, shuttingDown, tookTooLong } from "./build-problems.ts";
import { type BuilderOptions, openWorkshop, type Workshop } from "./workshop.ts";

export interface Builder {
  /**
   * Makes the one module of a source, which imports nothing but `node:*`. The source is read in another process.
   * @throws Problem `build_failed` with the places of the errors, `invalid_source`, `source_too_large`,
   *   `no_capacity` if too many builds wait; the reason of `signal` if that aborts
   */
  build(source: Source, signal?: AbortSignal): Promise<Bundle>;
  /** Starts what the first build would wait for. */
  warm(): Promise<void>;
  /** Ends builds under way and stops the bundlers. */
  close(): Promise<void>;
}

export function createBuilder(options: BuilderOptions): Builder {
  const { limits } = options;
  const closing = new AbortController();
  const underWay = new Set<Promise<Bundle>>();
  let workshop: Promise<Workshop> | undefined;

  const open = (): Promise<Workshop> => {
    workshop ??= openWorkshop(options).catch((error: unknown) => {
      workshop = undefined;
      throw error;
    });
    return workshop;
  };

  return {
    async build(source, signal) {
      const deadline = AbortSignal.timeout(limits.buildMs);
      const ended = AbortSignal.any([closing.signal, deadline, ...(signal ? [signal] : [])]);
      ended.throwIfAborted();
      let hasBegun = false;
      const onBegin = () => {
        hasBegun = true;
      };
      const building = open().then((opened) => opened.build(source, { signal: ended, onBegin }));
      underWay.add(building);
      try {
        return await building;
      } catch (error) {
        if (error !== deadline.reason || !deadline.aborted) throw error;
        throw hasBegun ? tookTooLong(limits) : neverBegan(limits);
      } finally {
        underWay.delete(building);
      }
    },
    async warm() {
      await (await open()).warm();
    },
    async close() {
      closing.abort(shuttingDown());
      await Promise.allSettled(underWay);
      const opened = await workshop?.catch(() => undefined);
      await opened?.close();
    },
  };
}
