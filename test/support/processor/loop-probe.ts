/**
 * Measures how long one turn of this process's event loop keeps the processor. It counts time of the processor that this
 * thread used, not of the clock: what else the machine does is not this process's doing.
 */
export class LoopProbe {
  #mostMs = 0;
  #last = process.threadCpuUsage();
  #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setTimeout(this.#tick, 1);
  }

  /** The longest turn since the start, or since the last reading, in milliseconds. */
  read(): number {
    const most = this.#mostMs;
    this.#mostMs = 0;
    return most;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tick = (): void => {
    const now = process.threadCpuUsage();
    const usedMs = (now.user + now.system - this.#last.user - this.#last.system) / 1_000;
    this.#mostMs = Math.max(this.#mostMs, usedMs);
    this.#last = process.threadCpuUsage();
    this.#timer = setTimeout(this.#tick, 1);
  };
}
