import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("events-program.ts", import.meta.url));

export interface KilledProgramsOptions {
  readonly store: string;
  readonly router: string;
  readonly count: number;
  readonly random: () => number;
  /** How far the work is. */
  readonly progress: () => number;
  /** A program is killed soon after the work came to each of these, in ascending order. */
  readonly kills: readonly number[];
}

/** Programs of events that are killed in the middle of their work and started again. */
export class KilledPrograms {
  readonly #kills: number[];
  readonly #options: KilledProgramsOptions;
  readonly #urls: (string | undefined)[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #loops: Promise<void>[];
  #output = "";
  #isClosed = false;
  #failure: Error | undefined;

  constructor(options: KilledProgramsOptions) {
    this.#options = options;
    this.#kills = [...options.kills];
    this.#loops = Array.from({ length: options.count }, (_, place) =>
      this.#loop(place).catch((error: Error) => {
        this.#failure = error;
      }),
    );
  }

  /**
   * One that listens; it may be killed at any time.
   * @throws the error of one that did not start
   */
  get url(): string | undefined {
    if (this.#failure) throw this.#failure;
    const urls = this.#urls.filter((url) => url !== undefined);
    return urls[Math.floor(this.#options.random() * urls.length)];
  }

  /** Kills that are to come. */
  get killsLeft(): number {
    return this.#kills.length;
  }

  /** What they printed at last. */
  get output(): string {
    return this.#output.slice(-4_000);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#loops);
    for (const child of this.#children) await kill(child);
  }

  async #loop(place: number): Promise<void> {
    const { store, router, count, random, progress } = this.#options;
    while (true) {
      const child = spawn(process.execPath, [PROGRAM, store, router, count > 1 ? "shared" : "alone"], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#children[place] = child;
      this.#urls[place] = await this.#listening(child);
      while (!this.#isClosed && !(progress() >= this.#kills[0]!)) await pause(5);
      if (this.#isClosed) return;
      this.#kills.shift();
      await pause(30 * random());
      this.#urls[place] = undefined;
      await kill(child);
    }
  }

  async #listening(child: ChildProcess): Promise<string> {
    let printed = "";
    const listens = Promise.withResolvers<string>();
    const take = (chunk: Buffer) => {
      printed += chunk;
      this.#output += chunk;
      const [, url] = /^listens on (\S+)\n/m.exec(printed) ?? [];
      if (url) listens.resolve(url);
    };
    child.stdout!.on("data", take);
    child.stderr!.on("data", take);
    child.once("exit", () => listens.reject(new Error(`the events ended:\n${printed}`)));
    return await listens.promise;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
