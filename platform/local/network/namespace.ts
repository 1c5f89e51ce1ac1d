import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { LaunchError } from "../instances/launch-error.ts";
import { PLAIN_ENVIRONMENT, run, type Tools } from "./tools.ts";

const START_MS = 5_000;

/** A network namespace without an uplink. A process holds it and ends with this one. */
export class Namespace {
  /** Resolves when the holding process has ended. */
  readonly ended: Promise<void>;
  readonly #tools: Tools;
  readonly #holder: ChildProcess;

  private constructor(tools: Tools, holder: ChildProcess) {
    this.#tools = tools;
    this.#holder = holder;
    this.ended = new Promise((resolve) => {
      holder.once("exit", () => resolve());
      holder.once("error", () => resolve());
    });
  }

  /**
   * Creates a namespace inside a user namespace, for root too: pasta run by root enters no other kind.
   * @throws LaunchError if the kernel does not allow it
   */
  static async create(tools: Tools): Promise<Namespace> {
    // cat ends when its input closes, so it ends with this process however that ends.
    const holder = spawn(tools.unshare, ["--user", "--map-root-user", "--net", "--", "cat"], {
      env: PLAIN_ENVIRONMENT,
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (holder.pid === undefined) {
      const [cause] = (await once(holder, "error")) as [Error];
      throw new LaunchError(`unshare ${cause.message}`, { cause });
    }
    const namespace = new Namespace(tools, holder);
    let errors = "";
    holder.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    holder.stdin.on("error", () => {});
    // cat echoes this from inside the namespace.
    holder.stdin.write("\n");
    const echo = once(holder.stdout, "data", { signal: AbortSignal.timeout(START_MS) }).then(() => true);
    try {
      if (await Promise.race([echo, namespace.ended])) return namespace;
    } catch (error) {
      namespace.close();
      throw new LaunchError(`unshare made no network namespace within ${START_MS} ms`, { cause: error });
    }
    const why = errors.trim() || "unshare ended without an error text";
    throw new LaunchError(`the kernel allows no network namespace: ${why}`);
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  get isOpen(): boolean {
    return this.#holder.exitCode === null && this.#holder.signalCode === null;
  }

  /** Prefix of a command that runs inside. A user other than root has every capability there. */
  get enter(): readonly string[] {
    return enterArguments(this.#tools, this.pid, process.getuid?.() === 0);
  }

  /** Runs a program inside as the owner of the namespace and returns its standard output. */
  run(argv: readonly string[], input?: string): Promise<string> {
    return run([...enterArguments(this.#tools, this.pid, false), ...argv], input);
  }

  close(): void {
    this.#holder.kill("SIGKILL");
  }
}

/** Root stays outside the user namespace: it needs no rights from it, and keeps its own that way. */
export function enterArguments({ nsenter }: Tools, pid: number, isRoot: boolean): string[] {
  const user = isRoot ? [] : [`--user=/proc/${pid}/ns/user`, "--preserve-credentials"];
  return [nsenter, ...user, `--net=/proc/${pid}/ns/net`, "--"];
}
