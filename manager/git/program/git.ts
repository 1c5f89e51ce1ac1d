import type { Readable, Writable } from "node:stream";

/** Runs git without any configuration but Skiff's own. */
export interface Git {
  /**
   * Runs a command of git to its end and returns its standard output.
   * @throws GitFailed if it exits with another code than 0; the reason of `signal`
   */
  run(args: readonly string[], options: GitOptions): Promise<Buffer>;

  /** Starts a command of git, whose streams the caller serves. It ends with `signal`, or after its deadline. */
  start(args: readonly string[], options: GitOptions): RunningGit;
}

/** Where a command of git works, and for how long. */
export interface GitScope {
  /** The bare repository. */
  readonly repository: string;
  /** A quarantine: new objects are there, all others in the repository. */
  readonly objects?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GitOptions extends GitScope {
  readonly input?: Uint8Array | string;
  /** Most bytes of standard output; more is a GitFailed. By default 16 MiB. */
  readonly mostBytes?: number;
  /** Variables besides those that every command gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Address space of each process, in bytes. By default 1 GiB. */
  readonly memoryBytes?: number;
}

/** Address space of a command that only reads for somebody, of which many may run. */
export const READING_BYTES = 512 * 1024 ** 2;

export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** @throws GitFailed */
  readonly ended: Promise<void>;
}

/** Git refused something, or failed. The message has the end of what it printed on standard error. */
export class GitFailed extends Error {
  override readonly name = "GitFailed";
  /** Undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(command: string, { exitCode, stderr }: { exitCode: number | undefined; stderr: string }) {
    const how = exitCode === undefined ? "was ended" : `failed with ${exitCode}`;
    super(`git ${command} ${how}: ${stderr.trim().slice(-500)}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}
