import { stop } from "esbuild";
import { Problem } from "../../platform/problems.ts";
import { Semaphore } from "../../platform/semaphore.ts";

/** What esbuild tells those whose work was under way when its process ended, and all who come after them. */
const ENDED = /^The service (was stopped|is no longer running)/;
const WAITING = 100;

/**
 * The process of esbuild, which all builds share and esbuild starts. A post can end it, since deep nesting
 * takes a stack that Go refuses, and so can the system; it would stay ended as long as Skiff runs.
 */
export class BundlerProcess {
  /** How often it ended. */
  #ends = 0;
  readonly #again = new Semaphore({ places: 1, waiting: { most: WAITING, refusal: tooMany } });

  /**
   * Gives what `work` gives. Work whose process ended is done once more, and then one by one, so that only
   * the source that ends it fails.
   * @throws Problem `build_failed` if it ended again, `no_capacity` if too many wait for their second time
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#attempt(work);
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
    return await this.#again.run(async () => {
      try {
        return await this.#attempt(work);
      } catch (error) {
        throw hasEnded(error) ? endsIt() : error;
      }
    }, signal);
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    const ends = this.#ends;
    try {
      return await work();
    } catch (error) {
      // The first to notice lets go of it, after which esbuild starts another for whoever comes next.
      if (hasEnded(error) && ends === this.#ends) {
        this.#ends++;
        await stop();
      }
      throw error;
    }
  }
}

function hasEnded(error: unknown): boolean {
  return error instanceof Error && ENDED.test(error.message);
}

function endsIt(): Problem {
  return new Problem(
    "build_failed",
    "The bundler gave up twice while it read this source: is its code, or its data, nested very deeply?",
  );
}

function tooMany(): Problem {
  const detail = `${WAITING} builds wait for the bundler to start again; try again in a few seconds.`;
  return new Problem("no_capacity", detail, { retryAfterS: 5 });
}
