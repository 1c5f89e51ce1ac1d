import { setTimeout } from "node:timers/promises";
import { LaunchError } from "../instances/launch-error.ts";
import { Helper, type Outcome, outcomeOf, run, type Tools } from "./tools.ts";

const START_MS = 5_000;

/** A network namespace without an uplink. A process holds it and ends with this one. */
export class Namespace {
  readonly #tools: Tools;
  readonly #holder: Helper;

  private constructor(tools: Tools, holder: Helper) {
    this.#tools = tools;
    this.#holder = holder;
  }

  /**
   * Creates a namespace inside a user namespace, for root too: pasta run by root enters no other kind.
   * @throws LaunchError if the kernel does not allow it
   */
  static async create(tools: Tools): Promise<Namespace> {
    // cat ends when its input closes, so it ends with this process however that ends.
    const holder = new Helper([tools.unshare, "--user", "--map-root-user", "--net", "--", "cat"], "pipe");
    const { stdin, stdout } = holder.child;
    // cat echoes this from inside the namespace.
    stdin?.write("\n");
    const echo = new Promise<void>((resolve) => stdout?.once("data", () => resolve()));
    const late = setTimeout(START_MS, new LaunchError(`it took longer than ${START_MS} ms`), { ref: false });
    const failure = await Promise.race([echo, holder.ended, late]);
    if (failure === undefined) return new Namespace(tools, holder);
    holder.close();
    throw new LaunchError(`unshare made no network namespace: ${failure.message}`, { cause: failure.cause });
  }

  /** Resolves when the holding process has ended. */
  get ended(): Promise<unknown> {
    return this.#holder.ended;
  }

  get isOpen(): boolean {
    const { exitCode, signalCode } = this.#holder.child;
    return exitCode === null && signalCode === null;
  }

  get pid(): number {
    return this.#holder.child.pid ?? 0;
  }

  /** Prefix of a command that runs inside. A user other than root has every capability there. */
  get enter(): readonly string[] {
    return enterArguments(this.#tools, this.pid, process.getuid?.() === 0);
  }

  /** Runs a program inside as the owner of the namespace and returns its standard output. */
  run(argv: readonly string[], input?: string): Promise<string> {
    return run([...enterArguments(this.#tools, this.pid, false), ...argv], input);
  }

  /** Runs a program inside as `run` does, and returns what it printed also if it fails. */
  outcomeOf(argv: readonly string[], input?: string): Promise<Outcome> {
    return outcomeOf([...enterArguments(this.#tools, this.pid, false), ...argv], input);
  }

  close(): void {
    this.#holder.close();
  }
}

/** Root stays outside the user namespace: it needs no rights from it, and keeps its own that way. */
export function enterArguments({ nsenter }: Tools, pid: number, isRoot: boolean): string[] {
  const user = isRoot ? [] : [`--user=/proc/${pid}/ns/user`, "--preserve-credentials"];
  return [nsenter, ...user, `--net=/proc/${pid}/ns/net`, "--"];
}
