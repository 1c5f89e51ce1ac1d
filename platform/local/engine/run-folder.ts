import { closeSync, constants, fstatSync, openSync } from "node:fs";

const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Refers to a file without opening it; Node does not define it. */
const O_PATH = 0o10000000;

/** The folder in memory of a container that holds its socket. It is opened before any foreign code runs. */
export class RunFolder {
  readonly #folder: number;
  #socket: number | undefined;

  /** @param pid a process of the container, on this machine */
  constructor(pid: number, path: string) {
    this.#folder = openSync(`/proc/${pid}/root${path}`, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  }

  /**
   * Returns a path to a socket in the folder, for any process of Skiff's user. The path keeps leading to that socket if
   * the program replaces it, for instance by a link to the socket of the engine.
   * @throws Error if there is no socket
   */
  pin(name: string): string {
    const socket = openSync(`/proc/self/fd/${this.#folder}/${name}`, O_PATH | O_NOFOLLOW);
    const stat = fstatSync(socket);
    if (!stat.isSocket() || stat.dev !== fstatSync(this.#folder).dev) {
      closeSync(socket);
      throw new Error("the instance does not listen on its socket");
    }
    this.#socket = socket;
    return `/proc/${process.pid}/fd/${socket}`;
  }

  close(): void {
    for (const descriptor of [this.#folder, this.#socket]) {
      if (descriptor !== undefined) closeSync(descriptor);
    }
    this.#socket = undefined;
  }
}
