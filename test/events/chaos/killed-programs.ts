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
}

/** Programs of events that are killed at random times, each after it has worked for a while, and started again. */
export class KilledPrograms {
  kills = 0;
  readonly #options: KilledProgramsOptions;
  readonly #urls: (string | undefined)[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #loops: Promise<void>[];
  #output = "";
  #isKilling = true;
  #failure: Error | undefined;

  constructor(options: KilledProgramsOptions) {
    this.#options = options;
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

  /** What they printed at last. */
  get output(): string {
    return this.#output.slice(-4_000);
  }

  /** Lets those that run go on. */
  stopKilling(): void {
    this.#isKilling = false;
  }

  async close(): Promise<void> {
    this.stopKilling();
    await Promise.all(this.#loops);
    for (const child of this.#children) await kill(child);
  }

  async #loop(place: number): Promise<void> {
    const { store, router, count, random } = this.#options;
    while (true) {
      const child = spawn(process.execPath, [PROGRAM, store, router, count > 1 ? "shared" : "alone"], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#children[place] = child;
      this.#urls[place] = await this.#listening(child);
      for (let left = 100 + 500 * random(); left > 0 && this.#isKilling; left -= 20) await pause(20);
      if (!this.#isKilling) return;
      this.#urls[place] = undefined;
      await kill(child);
      this.kills++;
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
