import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { constants } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { LogLines } from "../calls/log-lines.ts";
import type { Platform } from "../platform-lines.ts";
import type { ServeOrder } from "../program-message.ts";
import { type ProcessTree, ProcessTrees } from "../trees/process-trees.ts";
import { findListener, portAddresses, type ServerAddress } from "./find-listener.ts";
import { openConnections } from "./open-connections.ts";

/** Variable in the environment of every process of the program. */
const INSTANCE_VARIABLE = "SKIFF_INSTANCE_ID";
const BETWEEN_LOOKS_MS = 20;
/** Time for the last output after the exit of the program. */
const HELD_MS = 250;
const SIGNAL_OFFSET = 128;

/** How a program that serves has ended. */
export interface ProgramEnd {
  readonly text: string;
  /** Exit code as a shell has it. */
  readonly code: number;
}

/** A program has ended before it listened. */
export class EarlyEnd extends Error {
  /** Exit code as a shell has it. */
  readonly code: number;

  constructor({ text, code }: ProgramEnd) {
    super(`${text} It had not listened on $PORT or $SOCKET.`);
    this.code = code;
  }
}

/** How a program can be found. */
interface ProgramMarks {
  readonly addresses: readonly ServerAddress[];
  /** `NAME=value` in its environment. */
  readonly variable: string;
}

/** A program that the host has started once, and that answers calls by itself. */
export class ServedProgram {
  /** Resolves when the program has exited, or could not be started. */
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  readonly #addresses: readonly ServerAddress[];
  readonly #tree: ProcessTree | undefined;
  readonly #closed: Promise<void>;

  private constructor(child: ChildProcess, platform: Platform, { addresses, variable }: ProgramMarks) {
    this.#child = child;
    this.#addresses = addresses;
    if (child.pid !== undefined) this.#tree = new ProcessTrees().begin(child.pid, variable);
    this.#closed = new Promise((resolve) => child.once("close", () => resolve()));
    this.ended = this.#end();
    const drained = (onDrain: () => void) => platform.drained(onDrain);
    new LogLines(child.stdout!, { line: (text) => platform.log("info", text), drained });
    new LogLines(child.stderr!, { line: (text) => platform.logError(text), drained });
  }

  /** Starts the program. With port 0 it gets a free one. */
  static async start(
    order: ServeOrder,
    platform: Platform,
    variables: NodeJS.ProcessEnv,
  ): Promise<ServedProgram> {
    const { command, cwd, socket } = order;
    const port = order.port === 0 ? await freePort() : order.port;
    const id = randomUUID();
    const env = {
      ...variables,
      [INSTANCE_VARIABLE]: id,
      PORT: String(port),
      ...(socket === undefined ? {} : { SOCKET: socket }),
    };
    const [program, ...args] = command;
    const child = spawn(program!, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const addresses = [...(socket === undefined ? [] : [{ path: socket }]), ...portAddresses(port)];
    return new ServedProgram(child, platform, { addresses, variable: `${INSTANCE_VARIABLE}=${id}` });
  }

  /** Resolves with the address on which the program listens. Rejects with EarlyEnd if it ends before. */
  async listening(): Promise<ServerAddress> {
    const over = new AbortController();
    const failed = this.ended.then((end) => {
      over.abort();
      throw new EarlyEnd(end);
    });
    return await Promise.race([findListener(this.#addresses, over.signal), failed]);
  }

  /**
   * Asks the program to end once no connection to it is open: routers close those of an instance that they do not use,
   * and few programs answer what is under way after SIGTERM. Whoever stops the instance has the deadline.
   */
  async stop(address: ServerAddress): Promise<void> {
    while (openConnections(address) > 0) await pause(BETWEEN_LOOKS_MS);
    this.#child.kill("SIGTERM");
    await this.ended;
  }

  /** Kills the program and what it has started. */
  kill(): void {
    this.#tree?.kill();
  }

  async #end(): Promise<ProgramEnd> {
    const child = this.#child;
    const end = await new Promise<ProgramEnd>((resolve) => {
      child.once("error", ({ message }) =>
        resolve({ text: `The program cannot be started: ${message}.`, code: 1 }),
      );
      child.once("exit", (code, signal) => resolve(describeEnd(code, signal)));
    });
    this.kill();
    // Its last lines. A process that escaped may hold them open.
    await Promise.race([this.#closed, pause(HELD_MS)]);
    return end;
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): ProgramEnd {
  if (signal === null) return { text: `The program exited with code ${code}.`, code: code! };
  return { text: `The program was ended by ${signal}.`, code: SIGNAL_OFFSET + constants.signals[signal] };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
