import assert from "node:assert/strict";
import type { Endpoints } from "../../../platform/platform.ts";
import type { Slots } from "../../../router/placement/slots.ts";
import { SharedSlots } from "../../../router/workers/shared-slots.ts";
import { SlotLedger } from "../../../router/workers/slot-ledger.ts";
import type { SlotsForWorker, SlotsFromWorker } from "../../../router/workers/worker-messages.ts";

/** Numbers that look random and are the same in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface SimulatedCall {
  readonly arrivedMs: number;
  slots?: Slots;
  instance?: string;
}

/** A worker as the slots see it: a queue, and calls in flight. Messages to and from it wait in order until delivered. */
class SimulatedWorker {
  readonly inbox: (() => void)[] = [];
  readonly outbox: SlotsFromWorker[] = [];
  readonly queue: SimulatedCall[] = [];
  readonly running: SimulatedCall[] = [];
  readonly slots: SharedSlots;
  answered = 0;
  isDirty = false;
  instances: string[] = [];

  constructor() {
    this.slots = new SharedSlots("f", () => {
      this.isDirty = true;
    });
    this.slots.onGranted(() => this.serve());
  }

  arrive(nowMs: number): void {
    this.queue.push({ arrivedMs: nowMs });
    this.#told();
    this.serve();
  }

  serve(): void {
    for (let call = this.queue[0]; call !== undefined; call = this.queue[0]) {
      const instance = this.instances.find((id) => this.slots.of(id).free > 0);
      if (instance === undefined) return;
      call.slots = this.slots.of(instance);
      call.slots.used++;
      call.instance = instance;
      this.queue.shift();
      this.running.push(call);
      this.#told();
    }
  }

  finish(index: number): void {
    const [call] = this.running.splice(index, 1);
    call!.slots!.used--;
    this.answered++;
    this.slots.freed(call!.instance!, this.queue[0]?.arrivedMs);
    this.serve();
  }

  used(instance: string): number {
    return this.running.filter((call) => call.instance === instance).length;
  }

  /** What is said at the end of a turn. */
  tell(): void {
    if (this.isDirty) this.outbox.push(this.slots.news());
    this.isDirty = false;
  }

  #told(): void {
    this.slots.waiting(this.queue.length, this.queue[0]?.arrivedMs ?? 0);
  }
}

class Simulation {
  readonly workers = new Map<number, SimulatedWorker>();
  readonly ledger: SlotLedger;
  readonly concurrency: number;
  instances: string[] = [];
  nowMs = 0;
  #next = 0;

  constructor(workers: number, concurrency: number) {
    this.concurrency = concurrency;
    this.ledger = new SlotLedger({ workers, waitingCalls: 1_000, changed: () => {} });
    for (let i = 0; i < workers; i++) this.start();
  }

  start(): void {
    const worker = new SimulatedWorker();
    worker.instances = [...this.instances];
    this.workers.set(++this.#next, worker);
    this.#send(worker, this.ledger.add(this.#next));
  }

  #send(worker: SimulatedWorker, functions: readonly SlotsForWorker[]): void {
    worker.inbox.push(() => {
      for (const each of functions) worker.slots.take(each);
    });
  }

  kill(number: number): void {
    this.workers.delete(number);
    this.ledger.remove(number);
    this.flush();
  }

  /** The new endpoints come after the slots that belong to them. */
  publish(instances: readonly string[]): void {
    this.instances = [...instances];
    const endpoints = {
      name: "f",
      version: 1,
      concurrency: this.concurrency,
      timeoutMs: 1_000,
      instances: instances.map((id) => ({ id, address: { unix: id } })),
    } satisfies Endpoints;
    this.ledger.update("f", endpoints);
    this.flush();
    for (const worker of this.workers.values()) {
      worker.inbox.push(() => {
        worker.slots.keep(new Set(instances));
        worker.instances = [...instances];
        worker.serve();
      });
    }
  }

  flush(): void {
    for (const [number, worker] of this.workers) {
      const functions = this.ledger.take(number);
      if (functions.length > 0) this.#send(worker, functions);
    }
    this.ledger.told();
  }

  deliverTo(worker: SimulatedWorker): void {
    worker.inbox.shift()?.();
  }

  deliverFrom(number: number, worker: SimulatedWorker): void {
    const news = worker.outbox.shift();
    if (news !== undefined) this.ledger.heard(number, [news]);
    this.flush();
  }

  deliverAll(worker: SimulatedWorker): void {
    while (worker.inbox.length > 0) this.deliverTo(worker);
  }

  /** Delivers everything and lets calls end until nothing changes any more. */
  settle(): void {
    for (const worker of this.workers.values()) this.deliverAll(worker);
    for (let round = 0; round < 5_000; round++) {
      this.nowMs++;
      let isQuiet = true;
      for (const [number, worker] of this.workers) {
        if (worker.running.length > 0) worker.finish(0);
        this.deliverAll(worker);
        worker.tell();
        if (worker.outbox.length > 0) isQuiet = false;
        while (worker.outbox.length > 0) this.deliverFrom(number, worker);
        if (worker.running.length + worker.inbox.length > 0) isQuiet = false;
        this.check();
      }
      if (isQuiet) return;
    }
    assert.fail("it never comes to rest");
  }

  check(): void {
    const all = new Set([...this.workers.values()].flatMap(({ running }) => running.map((c) => c.instance!)));
    for (const instance of all) {
      let used = 0;
      for (const worker of this.workers.values()) used += worker.used(instance);
      assert.ok(used <= this.concurrency, `${used} calls on one instance of ${this.concurrency}`);
    }
  }

  get waiting(): number {
    return [...this.workers.values()].reduce((sum, { queue }) => sum + queue.length, 0);
  }
}

describe("slots that workers share", () => {
  it("are with the workers from the beginning, in equal parts", () => {
    const simulation = new Simulation(3, 10);
    simulation.publish(["a"]);
    for (const worker of simulation.workers.values()) simulation.deliverAll(worker);
    assert.deepEqual(
      [...simulation.workers.values()].map(({ slots }) => slots.of("a").total),
      [3, 3, 3],
    );
  });

  it("need no message while a worker has some left", () => {
    const simulation = new Simulation(2, 10);
    simulation.publish(["a"]);
    for (const worker of simulation.workers.values()) simulation.deliverAll(worker);
    const [worker] = simulation.workers.values();
    for (let i = 0; i < 5; i++) worker!.arrive(0);
    assert.equal(worker!.running.length, 5);
  });

  it("all go to one worker that has all the calls", () => {
    const simulation = new Simulation(4, 100);
    simulation.publish(["a"]);
    for (const worker of simulation.workers.values()) simulation.deliverAll(worker);
    const [worker] = simulation.workers.values();
    for (let i = 0; i < 100; i++) worker!.arrive(0);
    const running = () => worker!.running.length;
    for (let round = 0; round < 20 && running() < 100; round++) {
      for (const [number, each] of simulation.workers) {
        each.tell();
        while (each.outbox.length > 0) simulation.deliverFrom(number, each);
        while (each.inbox.length > 0) simulation.deliverTo(each);
      }
    }
    assert.equal(running(), 100);
  });

  it("go to who waited longer", () => {
    const simulation = new Simulation(2, 1);
    simulation.publish(["a"]);
    for (const worker of simulation.workers.values()) simulation.deliverAll(worker);
    const [first, second] = [...simulation.workers.values()] as [SimulatedWorker, SimulatedWorker];
    first.arrive(0);
    first.tell();
    simulation.deliverFrom(1, first);
    simulation.deliverTo(first);
    assert.equal(first.running.length, 1);
    second.arrive(100);
    second.tell();
    simulation.deliverFrom(2, second);
    // Long after the other worker's.
    first.arrive(200);
    while (first.inbox.length > 0) simulation.deliverTo(first);
    first.finish(0);
    assert.equal(first.running.length, 0);
    simulation.settle();
    assert.deepEqual([first.answered, second.answered], [2, 1]);
  });

  it("of a worker that has died are given to the others", () => {
    const simulation = new Simulation(2, 1);
    simulation.publish(["a"]);
    for (const worker of simulation.workers.values()) simulation.deliverAll(worker);
    const [first, second] = [...simulation.workers.values()] as [SimulatedWorker, SimulatedWorker];
    first.arrive(0);
    first.tell();
    simulation.deliverFrom(1, first);
    simulation.deliverTo(first);
    second.arrive(1);
    second.tell();
    simulation.deliverFrom(2, second);
    simulation.deliverTo(second);
    assert.equal(second.running.length, 0);
    simulation.kill(1);
    simulation.deliverTo(second);
    assert.equal(second.running.length, 1);
  });

  it("tell a worker how many calls wait elsewhere", () => {
    const simulation = new Simulation(2, 1);
    const [first, second] = [...simulation.workers.values()] as [SimulatedWorker, SimulatedWorker];
    for (let i = 0; i < 500; i++) second.arrive(0);
    second.tell();
    simulation.deliverFrom(2, second);
    while (first.inbox.length > 0) simulation.deliverTo(first);
    assert.equal(first.slots.waitingElsewhere, 500);
  });

  it("are never used twice, and every call gets one, whatever happens in whatever order", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const pick = (count: number) => Math.floor(random() * count);
      const simulation = new Simulation(2 + pick(3), [1, 2, 3, 10][pick(4)]!);
      let instances = 1;
      simulation.publish(["i1"]);
      for (let step = 0; step < 1_500; step++) {
        simulation.nowMs += random();
        const numbers = [...simulation.workers.keys()];
        const number = numbers[pick(numbers.length)]!;
        const worker = simulation.workers.get(number)!;
        const what = pick(1_000);
        if (what < 250) worker.arrive(simulation.nowMs);
        else if (what < 500 && worker.running.length > 0) worker.finish(pick(worker.running.length));
        else if (what < 700) worker.tell();
        else if (what < 850) simulation.deliverFrom(number, worker);
        else if (what < 985) simulation.deliverTo(worker);
        else if (what < 990) {
          simulation.kill(number);
          simulation.start();
        } else {
          const kept = simulation.instances.filter(() => random() < 0.7);
          // One that left may come back while its last calls are under way.
          const back = random() < 0.3 ? [`i${1 + pick(instances)}`] : [`i${++instances}`];
          simulation.publish([...new Set([...kept, ...back])]);
        }
        simulation.check();
      }
      simulation.settle();
      assert.equal(simulation.waiting, 0, `seed ${seed}: calls are left waiting`);
    }
  });
});
