/** A time at which a unit has to be looked at. */
export interface Timer {
  readonly at: number;
  readonly step: string;
  readonly item?: number | undefined;
  readonly kind: "retry" | "until" | "refused";
}

/** A binary heap of times. Timers whose units went on stay until they are on top. */
export class Timers {
  #heap: Timer[] = [];

  add(timer: Timer): void {
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= timer.at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  first(): Timer | undefined {
    return this.#heap[0];
  }

  removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }

  clear(): void {
    this.#heap = [];
  }
}
