import type { ChildProcess } from "node:child_process";
import { Problem } from "../../platform/problems.ts";

/** Methods that one process offers the other. Arguments and results are plain values. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** A call of `method`, or the answer to the call `id`. */
interface Message {
  readonly id: number;
  readonly method?: string;
  /** The argument, or the result. */
  readonly value?: unknown;
  /** Plain values: the channel does not keep classes. */
  readonly error?: { readonly message: string; readonly stack: string | undefined };
  readonly problem?: Pick<Problem, "code" | "detail" | "extensions">;
}

/**
 * Calls methods of a child process or of the parent over Node's channel between them. It keeps the order of
 * calls in each direction and loses none while both processes run.
 */
export class Channel<Theirs extends Methods> {
  readonly #end: ChildProcess;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  /** @param end the child, or this process if it is the child */
  constructor(end: ChildProcess | NodeJS.Process, mine: Methods) {
    this.#end = end as ChildProcess;
    this.#end.on("message", (message: Message) => void this.#take(message, mine));
    this.#end.once("disconnect", () => {
      for (const { resolve } of this.#asked.values()) resolve(undefined);
      this.#asked.clear();
    });
  }

  /** Resolves with undefined if the other process ends first. @throws what the method throws */
  ask<Name extends keyof Theirs & string>(method: Name, ...[value]: Parameters<Theirs[Name]>) {
    const answer = Promise.withResolvers<Awaited<ReturnType<Theirs[Name]>> | undefined>();
    const id = ++this.#lastId;
    if (this.#end.connected) this.#asked.set(id, answer as PromiseWithResolvers<unknown>);
    else answer.resolve(undefined);
    this.#post({ id, method, value });
    return answer.promise;
  }

  async #take({ id, method, value, error, problem }: Message, mine: Methods): Promise<void> {
    // Not in a try block: a method that throws synchronously is a bug of this process.
    if (method !== undefined) return this.#answer(id, mine[method]!(value as never));
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (problem) asked?.reject(new Problem(problem.code, problem.detail, problem.extensions));
    else if (error) asked?.reject(Object.assign(new Error(), error));
    else asked?.resolve(value);
  }

  async #answer(id: number, result: unknown): Promise<void> {
    try {
      this.#post({ id, value: await result });
    } catch (thrown) {
      const { message, stack } = thrown as Error;
      const error = { message, stack };
      if (!(thrown instanceof Problem)) return this.#post({ id, error });
      const { code, detail, extensions } = thrown;
      this.#post({ id, error, problem: { code, detail, extensions } });
    }
  }

  #post(message: Message): void {
    // The owner of the other process detects its end by other means.
    if (this.#end.connected) this.#end.send(message, () => {});
  }
}
