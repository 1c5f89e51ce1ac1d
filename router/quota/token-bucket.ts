/** Tokens that come at a steady rate, up to a burst. Each call takes one. Times are monotonic. */
export class TokenBucket {
  #perMs: number;
  #burst: number;
  #tokens: number;
  #atMs: number;

  /** Starts full. @param burst at least 1 */
  constructor(perMs: number, burst: number, nowMs: number) {
    this.#perMs = perMs;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Changes the rate and the burst. Tokens over the burst are lost. */
  change(perMs: number, burst: number, nowMs: number): void {
    this.refill(nowMs);
    this.#perMs = perMs;
    this.#burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }

  refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    // What was added over the burst stays.
    const most = Math.max(this.#burst, this.#tokens);
    this.#tokens = Math.min(most, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
  }

  /** Adds tokens, also over the burst. */
  add(tokens: number): void {
    this.#tokens += tokens;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Whole tokens at the last refill. */
  get left(): number {
    // Sums of parts fall a little short.
    return Math.floor(this.#tokens + 1e-9);
  }

  take(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  /** Time from the last refill until there is a whole token. */
  get waitMs(): number {
    return this.left >= 1 ? 0 : (1 - this.#tokens) / this.#perMs;
  }
}
