import type { Endpoints, Platform } from "../../../platform/platform.ts";
import { toProblem } from "../../../platform/problems.ts";

export interface WatchOptions {
  readonly platform: Pick<Platform, "watch" | "allEndpoints">;
  /** Brings the repository of a function in line with it. */
  readonly follow: (name: string) => Promise<void>;
  readonly print: (line: string) => void;
}

/** A deploy stores a version, and then changes the traffic. */
const QUIET_MS = 300;

/** Follows functions whose versions or traffic change, shortly after they do. */
export class VersionWatch {
  readonly #options: WatchOptions;
  readonly #stop: () => void;
  readonly #seen = new Map<string, string>();
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  /** What was printed of functions that could not be followed. */
  readonly #printed = new Map<string, string>();

  constructor(options: WatchOptions) {
    this.#options = options;
    const { platform } = options;
    for (const endpoints of platform.allEndpoints()) this.#seen.set(endpoints.name, shapeOf(endpoints));
    this.#stop = platform.watch((name, endpoints) => this.#notice(name, endpoints));
  }

  close(): void {
    this.#stop();
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  /** Instances come and go all the time. */
  #notice(name: string, endpoints: Endpoints | undefined): void {
    const shape = endpoints === undefined ? undefined : shapeOf(endpoints);
    if (shape === this.#seen.get(name)) return;
    if (shape === undefined) this.#seen.delete(name);
    else this.#seen.set(name, shape);
    clearTimeout(this.#waiting.get(name));
    this.#waiting.set(
      name,
      setTimeout(() => void this.#follow(name), QUIET_MS),
    );
  }

  async #follow(name: string): Promise<void> {
    this.#waiting.delete(name);
    const { follow, print } = this.#options;
    try {
      await follow(name);
      this.#printed.delete(name);
    } catch (error) {
      const { code, detail } = toProblem(error);
      // The repository went with its function, or everything stops.
      if (code === "unknown_repository" || code === "draining" || this.#printed.get(name) === detail) return;
      this.#printed.set(name, detail);
      print(`git: the repository of ${name} is behind its versions: ${detail}`);
    }
  }
}

/** Equal as long as no commit follows. */
function shapeOf({ versions, traffic }: Endpoints): string {
  return JSON.stringify([versions.at(-1)?.version, traffic]);
}
