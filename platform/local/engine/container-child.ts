import { EventEmitter, once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { SmallFiles } from "../../../process/proc/small-files.ts";
import { signalProcess, startOf } from "../instances/process-table.ts";
import type { LaunchedChild } from "../launch/launcher.ts";
import { InstanceResources } from "../resources/instance-resources.ts";
import type { ContainerState } from "./container.ts";
import type { Engine } from "./engine.ts";
import type { Attachment } from "./frames.ts";

/** Longest time between the end of the output and that of the container. */
const END_MS = 2_000;

/** A running container, in the shape of a child process. It emits `exit` and `close` when it has ended. */
export class ContainerChild extends EventEmitter implements LaunchedChild {
  /** The engine's labels find it after a crash. */
  readonly pid = undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Of the first process, on this machine. */
  readonly hostPid: number;
  readonly #engine: Engine;
  readonly #id: string;
  readonly #start: string | undefined;
  #hasEnded = false;

  constructor(engine: Engine, { id, pid, attachment }: { id: string; pid: number; attachment: Attachment }) {
    super();
    this.#engine = engine;
    this.#id = id;
    this.hostPid = pid;
    this.#start = startOf(pid);
    this.stdin = attachment.input;
    this.stdout = attachment.output;
    this.stderr = attachment.errors;
    void this.#watch();
  }

  /** Ends it at once. */
  kill(): void {
    if (this.#hasEnded) return;
    // Without its first process a container has none.
    if (this.#start !== undefined && startOf(this.hostPid) === this.#start) {
      signalProcess(this.hostPid, "SIGKILL");
    }
  }

  async #watch(): Promise<void> {
    await Promise.all([ended(this.stdout), ended(this.stderr)]);
    const state = await this.#endState();
    this.#hasEnded = true;
    const code = state?.exitCode ?? null;
    const signal = code === null ? "SIGKILL" : null;
    if (state?.isOutOfMemory) this.emit("outOfMemory");
    this.emit("exit", code, signal);
    this.emit("close", code, signal);
  }

  /** Undefined if the engine does not tell. Nothing can be heard of the container any more, so it ends. */
  async #endState(): Promise<ContainerState | undefined> {
    try {
      return await this.#engine.ended(this.#id, { signal: AbortSignal.timeout(END_MS), soon: true });
    } catch {
      // The connection, or the engine, has broken. `close` of the launch removes the container.
      this.kill();
      return undefined;
    }
  }
}

async function ended(stream: Readable): Promise<void> {
  if (!stream.closed) await once(stream, "close").catch(() => {});
}

/** Measures a container by its processes. The engine limits it. */
export class EngineResources extends InstanceResources {
  #ranOut = false;

  constructor(files: SmallFiles) {
    super(files, undefined);
  }

  /** The kernel killed it because its memory ran out. */
  sawOutOfMemory(): void {
    this.#ranOut = true;
  }

  override get ranOut(): boolean {
    return this.#ranOut;
  }
}
