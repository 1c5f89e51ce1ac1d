import type { BuildProcess } from "../walls/build-process.ts";
import { encodeHeader, type Frame, FrameReader } from "./frames.ts";
import type { AnyTask, Reply } from "./tasks.ts";

export interface Answer {
  readonly reply: Reply;
  /** A module, or a project. */
  readonly body: Uint8Array;
}

/** A worker ended before it answered. */
export class WorkerEnded extends Error {}

const READY_MS = 30_000;

/** A process that does one task after the other. It can read what it is sent, and nothing of this machine. */
export class BuildWorker {
  readonly process: BuildProcess;
  /** Resolves when it can take tasks. Rejects with WorkerEnded if it never can. */
  readonly ready: Promise<void>;
  readonly #reader: FrameReader;
  #answered: ((answer: Answer) => void) | undefined;
  #hasEnded = false;

  constructor(process: BuildProcess, mostBodyBytes: number) {
    this.process = process;
    this.#reader = new FrameReader(mostBodyBytes, (frame) => this.#receive(frame));
    process.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    const ended = () => {
      this.#hasEnded = true;
    };
    process.ended.then(ended, ended);
    this.ready = this.#untilReady();
    this.ready.catch(() => {});
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Does one task. The caller must not begin another one meanwhile.
   * @throws WorkerEnded once the process and its children are gone
   */
  async perform(task: AnyTask, source: Uint8Array): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#answered = resolve;
    const { stdin } = this.process;
    stdin.write(encodeHeader(task, source.length));
    stdin.write(source);
    return await Promise.race([promise, this.#untilEnded()]);
  }

  async #untilReady(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#answered = resolve;
    const timer = setTimeout(() => this.process.kill(), READY_MS);
    try {
      await Promise.race([promise, this.#untilEnded()]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #untilEnded(): Promise<never> {
    const exit = await this.process.ended;
    throw new WorkerEnded(`a build worker ended with ${exit}: ${this.process.stderr.trim()}`);
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch {
      // It does not keep to the protocol, so nothing that follows can be read.
      this.process.kill();
    }
  }

  #receive({ header, body }: Frame): void {
    this.#answered?.({ reply: header as Reply, body });
    this.#answered = undefined;
  }
}
