import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { LaunchError } from "../instances/launch-error.ts";
import { PLAIN_ENVIRONMENT } from "./command.ts";
import type { Plan } from "./plan.ts";
import { type Families, GATEWAY_IPV4, GATEWAY_IPV6, INSIDE_IPV4, INSIDE_IPV6, INTERFACE } from "./routes.ts";
import type { Tools } from "./tools.ts";

const START_MS = 10_000;
const POLL_MS = 5;
const SAID_CHARACTERS = 2_000;

export interface UplinkOptions {
  /** The process whose namespace gets the interface. */
  readonly pid: number;
  readonly families: Families;
  readonly loopback: Plan["loopback"];
  /** Where pasta writes its pid when the interface is there. */
  readonly pidFile: string;
  readonly isRoot: boolean;
}

/** The way out of a namespace: pasta, which carries connections over sockets of this machine. */
export class Uplink {
  /** Resolves with what it said when the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  /** Why the system did not start it. */
  #cause: Error | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-SAID_CHARACTERS);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#cause = error;
        resolve(error.message);
      });
      child.once("close", (code, signal) => resolve(`${reasonIn(said)} (${signal ?? code})`));
    });
  }

  /**
   * Starts it, and resolves when the interface is in the namespace.
   * @throws LaunchError with what it said when it ends or takes longer than 10 s
   */
  static async start(tools: Tools, options: UplinkOptions): Promise<Uplink> {
    const [program = "", ...rest] = uplinkArguments(tools, options);
    rmSync(options.pidFile, { force: true });
    const child = spawn(program, rest, { env: PLAIN_ENVIRONMENT, stdio: ["ignore", "ignore", "pipe"] });
    const uplink = new Uplink(child);
    let how: string | undefined;
    void uplink.ended.then((said) => {
      how = said;
    });
    const deadline = performance.now() + START_MS;
    try {
      while (!isWritten(options.pidFile)) {
        if (how !== undefined)
          throw new LaunchError(`pasta does not start: ${how}`, { cause: uplink.#cause });
        if (performance.now() > deadline) {
          throw new LaunchError(`pasta has made no interface within ${START_MS} ms`);
        }
        await setTimeout(POLL_MS);
      }
      return uplink;
    } catch (error) {
      uplink.close();
      throw error;
    }
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }
}

/** The command of an uplink. It ends with this process, which pasta would outlive otherwise. */
export function uplinkArguments(tools: Tools, options: UplinkOptions): string[] {
  const { pid, families, loopback, pidFile, isRoot } = options;
  const forward = loopback === "all" ? "auto" : loopback.join(",") || "none";
  return [
    tools.setpriv,
    ...["--pdeathsig", "KILL"],
    tools.pasta,
    ...["--foreground", "--quiet"],
    ...(families.ipv6 ? [] : ["--ipv4-only"]),
    ...(families.ipv4 ? [] : ["--ipv6-only"]),
    // Nothing comes in, and nothing of this machine's loopback is at the gateway's address.
    ...["--tcp-ports", "none", "--udp-ports", "none", "--no-map-gw"],
    ...["--tcp-ns", forward, "--udp-ns", forward],
    ...["--no-dhcp", "--no-dhcpv6", "--no-ra", "--dns", "none"],
    // pasta answers these from the first packet on; others it learns from a packet whose answer is lost.
    ...["--address", INSIDE_IPV4, "--netmask", "29", "--address", INSIDE_IPV6],
    ...["--gateway", GATEWAY_IPV4, "--gateway", GATEWAY_IPV6],
    ...["--ns-ifname", INTERFACE, "--pid", pidFile],
    // Nobody could not enter the namespace, which belongs to root then.
    ...(isRoot ? ["--runas", "0"] : []),
    String(pid),
  ];
}

function isWritten(file: string): boolean {
  try {
    return readFileSync(file, "utf8").trim() !== "";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Without a system log pasta complains of every line that it cannot log. */
function reasonIn(said: string): string {
  const lines = said.split("\n").filter((line) => line !== "" && !line.endsWith("to syslog"));
  return lines.join("; ") || "pasta said nothing";
}
