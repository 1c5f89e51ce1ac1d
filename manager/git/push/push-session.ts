import type { Readable, Writable } from "node:stream";
import { toProblem } from "../../../platform/problems.ts";
import type { OpenRepository } from "../homes/home.ts";
import { toGitProblem } from "../program/git-problem.ts";
import { type HookedPush, serveHook } from "../program/hook.ts";
import type { Repositories } from "../repositories.ts";
import type { Accepted, Push, ReceivePush } from "./push.ts";
import type { PushCounter, PushResult } from "./push-counter.ts";
import { refLines } from "./words/ref-lines.ts";

export interface SessionServices {
  readonly repositories: Repositories;
  readonly receivePush: ReceivePush;
  readonly pushes: PushCounter;
  readonly print: (line: string) => void;
}

export interface SessionOptions extends Omit<Push, "repository" | "updates" | "options" | "objects" | "say"> {
  readonly name: string;
  /** The repository in which git receives the push; a new one until it is accepted. */
  readonly opened: OpenRepository;
}

/** One push: the decision about it, and the turn of the repository until git has moved its refs. */
export class PushSession {
  readonly #services: SessionServices;
  readonly #options: SessionOptions;
  readonly #gitEnded = Promise.withResolvers<void>();
  #turn: Promise<void> = Promise.resolve();
  #detail = "refused: git did not take it";

  constructor(services: SessionServices, options: SessionOptions) {
    this.#services = services;
    this.#options = options;
  }

  /** What became of it, for the audit log. */
  get detail(): string {
    return this.#detail;
  }

  /** Serves the hook of the push. Without an answer the hook refuses the push. */
  async serve(channel: Readable & Writable): Promise<void> {
    try {
      await serveHook(channel, (push, say) => this.#decide(push, say));
    } catch (error) {
      this.#services.print(`git: a push to "${this.#options.name}" is refused: ${(error as Error).message}`);
    }
    channel.end();
  }

  /** Ends the turn: git has ended, and the repository is as the push left it. */
  async end(): Promise<void> {
    this.#gitEnded.resolve();
    await this.#turn;
  }

  async #decide(push: HookedPush, say: (line: string) => void): Promise<boolean> {
    const { repositories, pushes, print } = this.#services;
    const { name, signal, opened } = this.#options;
    const startedAt = performance.now();
    const count = (result: PushResult) => pushes.count(result, performance.now() - startedAt);
    const decided = Promise.withResolvers<Accepted>();
    for (const line of refLines(push.updates, { name, state: opened.state })) say(line);
    if (repositories.isBusy(name)) say("waiting for another push…");
    this.#turn = repositories
      .inTurn(name, signal, async () => {
        const accepted = this.#receive(push, say);
        accepted.then(decided.resolve, decided.reject);
        await accepted.catch(() => {});
        await this.#gitEnded.promise;
        await repositories.settle(name);
      })
      .catch((error: unknown) => {
        decided.reject(error);
        print(`git: the repository "${name}" may be behind its function: ${(error as Error).message}`);
      });
    try {
      const { detail, result } = await decided.promise;
      this.#detail = detail;
      count(result);
      print(`pushed ${name}: ${detail}`);
      return true;
    } catch (error) {
      const { code, detail, status } = toProblem(toGitProblem(error));
      count(status < 500 ? "refused" : "failed");
      this.#detail = `refused: ${code}`;
      say(detail);
      print(`push to ${name} refused: ${detail.split("\n")[0]}`);
      return false;
    }
  }

  async #receive({ objects, options, updates }: HookedPush, say: (line: string) => void): Promise<Accepted> {
    const { repositories, receivePush } = this.#services;
    const { opened, ...rest } = this.#options;
    const repository = (await repositories.current(rest.name, rest.signal)) ?? opened;
    return receivePush({ ...rest, repository, objects, options, updates, say });
  }
}
