import { discardBody } from "../http/discard-body.ts";
import { answerError } from "../http/problem-answer.ts";
import type { Group } from "../metrics/metrics.ts";
import { draining } from "../platform/problems.ts";
import type { RequestHandler } from "./surroundings.ts";

/** Events or flows, as the program sees them. */
export interface ProgramPart {
  /** Returns whether `handler` answers a request. */
  takes(method: string, target: string): boolean;
  /** For `http.createServer`. */
  readonly handler: RequestHandler;
  /** Begins to do what waits in the store, or comes to it. The router must listen. */
  start(): Promise<void>;
  /**
   * Refuses requests with 503 `draining` and begins no calls. Resolves when the calls under way have ended and this is
   * stored, or after `drainMs`. Later calls return the same promise.
   */
  drain(options: { readonly drainMs: number }): Promise<void>;
  /** Reads the counts of the store, which all of its programs share, and those of this one. */
  metrics(): Promise<readonly Group[]>;
}

/** Something that is loaded when it is needed first, so that Skiff starts quickly. */
export class LoadedOnce<T> {
  readonly #load: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #value: T | undefined;
  #isOver = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Undefined until it is loaded. */
  get value(): T | undefined {
    return this.#value;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Loads it, or tries again after a failure. @throws Problem `draining` after `end` */
  get(): Promise<T> {
    if (this.#isOver) throw draining();
    this.#loading ??= this.#first();
    return this.#loading;
  }

  async #first(): Promise<T> {
    try {
      this.#value = await this.#load();
      return this.#value;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }

  /** Loads nothing any more. Resolves with what was loaded, if it was. */
  async end(): Promise<T | undefined> {
    this.#isOver = true;
    return await this.#loading?.catch(() => undefined);
  }
}

/** Returns a handler that finds the one of each request first. */
export function lateHandler(
  find: (...given: Parameters<RequestHandler>) => Promise<RequestHandler>,
  print: (line: string) => void,
): RequestHandler {
  const answer = async (...[request, response]: Parameters<RequestHandler>) => {
    try {
      (await find(request, response))(request, response);
    } catch (error) {
      answerError(response, error, print);
    }
  };
  return (request, response) => {
    response.once("close", () => discardBody(request));
    void answer(request, response);
  };
}
