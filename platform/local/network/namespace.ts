import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { LaunchError } from "../instances/launch-error.ts";
import { PLAIN_ENVIRONMENT, run } from "./command.ts";
import type { Tools } from "./tools.ts";

const START_MS = 5_000;

/** A network namespace without any way out, held by a process that ends with this one. */
export class Namespace {
  /** Resolves when the process that holds it has ended. */
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
   * Makes one. It belongs to a user namespace, for root as for others: pasta enters no other as root.
   * @throws LaunchError in words when the kernel does not let us
   */
  static async create(tools: Tools): Promise<Namespace> {
    // cat ends when its input does: when this process ends, however it does.
    const holder = spawn(tools.unshare, ["--user", "--map-root-user", "--net", "--", "cat"], {
      env: PLAIN_ENVIRONMENT,
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (holder.pid === undefined) {
      const [cause] = (await once(holder, "error")) as [Error];
      throw new LaunchError(`unshare ${cause.message}`, { cause });
    }
    const namespace = new Namespace(tools, holder);
    let said = "";
    holder.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    holder.stdin?.on("error", () => {});
    // An echo comes from cat, so from inside of the namespace.
    holder.stdin?.write("\n");
    const signal = AbortSignal.timeout(START_MS);
    const echo = once(holder.stdout!, "data", { signal }).then(() => true);
    try {
      if (await Promise.race([echo, namespace.ended])) return namespace;
    } catch (error) {
      namespace.close();
      throw new LaunchError(`no network namespace within ${START_MS} ms`, { cause: error });
    }
    throw new LaunchError(
      `the kernel allows no network namespace: ${said.trim() || "unshare does not start"}`,
    );
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

  /** Runs a program inside, as the owner of the namespace, and gives what it printed. */
  run(argv: readonly string[], input?: string): Promise<string> {
    return run([...enterArguments(this.#tools, this.pid, false), ...argv], input);
  }

  close(): void {
    this.#holder.kill("SIGKILL");
  }
}

/** Root needs no rights from the user namespace, and keeps its own outside of it. */
export function enterArguments({ nsenter }: Tools, pid: number, isRoot: boolean): string[] {
  const network = `--net=/proc/${pid}/ns/net`;
  const user = [`--user=/proc/${pid}/ns/user`, "--preserve-credentials"];
  return [nsenter, ...(isRoot ? [] : user), network, "--"];
}
