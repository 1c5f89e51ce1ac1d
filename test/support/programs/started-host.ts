import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Entry, EntryReader } from "../../../client-image/console/marked-entry.ts";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import { readLines } from "../../../platform/local/instances/output.ts";
import { compileHost } from "../../../runtimes/program/compile-host.ts";
import type { HostOrder, ProgramMessage } from "../../../runtimes/program/host/program-message.ts";
import { PROGRAM_FOLDERS } from "../../../runtimes/program/program-path.ts";
import { eventually } from "../eventually.ts";

type Order = HostOrder extends infer O ? (O extends HostOrder ? Omit<O, "cwd"> : never) : never;

export interface HostOptions extends Partial<Omit<ProgramMessage, "host" | "nonce" | "listen">> {
  readonly host: Order;
  readonly variables?: Readonly<Record<string, string>>;
  /** A program that serves gets the socket of the instance as its own. */
  readonly ownSocket?: boolean;
  /** The start message comes in a variable, and nothing on standard input. */
  readonly inPod?: boolean;
  /** Command in front of Node, such as that of a sandbox. */
  readonly inside?: readonly string[];
}

/** A program host that runs without a sandbox, and what it has printed. */
export class StartedHost {
  readonly address: { readonly unix: string };
  readonly folder: string;
  readonly child: ChildProcess;
  readonly entries: Entry[] = [];
  readonly #nonce: string;
  readonly #lines: string[] = [];
  #inPod = false;

  private constructor(folder: string, nonce: string, child: ChildProcess) {
    this.folder = folder;
    this.address = { unix: join(folder, "socket") };
    this.child = child;
    this.#nonce = nonce;
    const entries = new EntryReader((entry) => this.entries.push(entry));
    readLines(child.stdout!, (line, isCut) => {
      if (line.startsWith(nonce)) this.#lines.push(line);
      else entries.read(line, isCut);
    });
    const errors = new EntryReader((entry) => this.entries.push(entry));
    readLines(child.stderr!, (line, isCut) => errors.read(line, isCut));
  }

  /** Starts a host with `files` of its project by path. Resolves when it is ready. */
  static async start(
    options: HostOptions,
    files: Readonly<Record<string, string>> = {},
  ): Promise<StartedHost> {
    const started = await StartedHost.launch(options, files);
    await eventually("the host is ready or has ended", () => started.hasPrinted("ready") || started.hasEnded);
    if (started.hasEnded) throw new Error(`the host has ended: ${started.log.join("\n")}`);
    return started;
  }

  /** Starts a host without waiting for it. */
  static async launch(
    { host, variables = {}, inside = [], ownSocket = false, inPod = false, ...rest }: HostOptions,
    files: Readonly<Record<string, string>> = {},
  ): Promise<StartedHost> {
    const folder = mkdtempSync(join(tmpdir(), "skiff-host-"));
    for (const [path, text] of Object.entries(files))
      writeFileSync(join(folder, path), text, { mode: 0o755 });
    const file = await compileHost(folder);
    const nonce = randomUUID();
    const message: ProgramMessage = {
      nonce,
      listen: { unix: join(folder, "socket") },
      function: { name: "hello", version: 7 },
      concurrency: 1,
      env: Object.keys(variables),
      ...rest,
      host: { cwd: folder, ...host, ...(ownSocket && { socket: join(folder, "socket") }) } as HostOrder,
    };
    const [program, ...args] = [...inside, process.execPath, file];
    // Those of the product, whatever the path of this process is.
    const path = [...PROGRAM_FOLDERS, dirname(process.execPath)].join(":");
    const env = { PATH: path, HOME: folder, TMPDIR: folder, ...variables };
    const given = inPod ? { [START_VARIABLE]: JSON.stringify(message) } : {};
    const child = spawn(program!, args, { cwd: folder, env: { ...env, ...given }, stdio: "pipe" });
    child.stdin.on("error", () => {});
    const started = new StartedHost(folder, nonce, child);
    started.#inPod = inPod;
    if (!inPod) child.stdin.write(`${JSON.stringify(message)}\n`);
    return started;
  }

  hasPrinted(word: string): boolean {
    return this.#lines.includes(`${this.#nonce} ${word}`);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What was logged, as text. */
  get log(): string[] {
    return this.entries.map(({ text }) => text);
  }

  /** Ends the host as the platform does that goes away, and removes its folder. */
  async close(): Promise<void> {
    this.child.stdin!.end();
    if (this.#inPod) this.child.kill("SIGTERM");
    if (!this.hasEnded) await once(this.child, "exit");
    rmSync(this.folder, { recursive: true });
  }
}

/** The order of a shell script for each call. */
export function shellOrder(script: string, more: Partial<Extract<Order, { mode: "call" }>> = {}) {
  const command = ["/bin/sh", "-c", script];
  return { mode: "call", command, cgi: false, timeoutMs: 10_000, ownsProcesses: false, ...more } as const;
}
