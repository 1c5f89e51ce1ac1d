import { stat } from "node:fs/promises";
import { type CgiHead, readCgiHead } from "./cgi-head.ts";
import type { GitProgram } from "./git-program.ts";

/** The header `Git-Protocol` of git 2.26 and newer. */
const VERSION = "version=2";
const SERVICE = "git-upload-pack";
const BEGINNING = "000eversion 2\n";

/** An answer of git as a whole. */
export interface GitAnswer extends CgiHead {
  readonly body: Buffer;
}

interface Asking {
  /** Any repository. */
  readonly repository: string;
  readonly signal: AbortSignal;
}

/**
 * The answer of git to the first request of a clone or fetch: what git can do, and nothing of a repository
 * (gitprotocol-v2(5)). It is asked for once.
 */
export class Capabilities {
  readonly #git: GitProgram;
  readonly #backend: string;
  #known: { readonly answer: GitAnswer; readonly program: string } | undefined;

  /** @param backend path of `git-http-backend` */
  constructor(git: GitProgram, backend: string) {
    this.#git = git;
    this.#backend = backend;
  }

  /** Whether a client asks for them. */
  static areAsked(service: string, protocol: string | readonly string[] | undefined): boolean {
    return service === SERVICE && protocol === VERSION;
  }

  async read(asking: Asking): Promise<GitAnswer> {
    // Git may be upgraded while Skiff runs.
    const { ino, mtimeMs } = await stat(this.#backend);
    const program = `${ino} ${mtimeMs}`;
    if (this.#known?.program === program) return this.#known.answer;
    const answer = await this.#ask(asking);
    if (answer.status === 200 && answer.body.toString("latin1").startsWith(BEGINNING))
      this.#known = { answer, program };
    return answer;
  }

  async #ask({ repository, signal }: Asking): Promise<GitAnswer> {
    const { stdin, stdout, ended } = this.#git.start([], {
      ...{ program: this.#backend, repository, signal },
      env: {
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_TRANSLATED: `${repository}/info/refs`,
        REQUEST_METHOD: "GET",
        QUERY_STRING: `service=${SERVICE}`,
        GIT_PROTOCOL: VERSION,
        HTTP_GIT_PROTOCOL: VERSION,
      },
    });
    stdin.end();
    const head = await readCgiHead(stdout);
    const body = Buffer.concat(await stdout.toArray());
    await ended;
    return { ...head, body };
  }
}
