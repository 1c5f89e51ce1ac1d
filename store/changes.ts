import { EventEmitter } from "node:events";
import type { Entry } from "../platform/flows/run/entry.ts";
import type { Calls } from "./calls.ts";
import type { NewEvent } from "./event.ts";
import type { NewRun, Runs } from "./flows/runs.ts";
import type { EventStore, FlowStore } from "./store.ts";
import type { Timers } from "./timers.ts";
import type { Topics } from "./topics.ts";

/** What a program changed in its store, for those in it who wait for such changes. */
export type StoreChanges = EventEmitter<{
  /** Calls may be ready: new ones, or the next ones of their order keys. */
  calls: [];
  /** Events were published in these topics. */
  events: [topics: ReadonlySet<string>];
  /** Somebody moved the place of a group, to repeat or to skip events. */
  places: [topic: string, group: string];
  /** A waiter may have replies. */
  replies: [];
  timers: [];
  /** Runs may be ready for an engine: new ones, or those with signals. */
  runs: [];
  /** Entries of a run were stored. */
  run: [id: string, entries: readonly Entry[]];
}>;

export function storeChanges(): StoreChanges {
  const changes: StoreChanges = new EventEmitter();
  // One for each part of a program and each waiter.
  return changes.setMaxListeners(0);
}

/** Returns the same store, which announces each change after it is durable. Every user of a program's store gets this one. */
export function announcing(store: FlowStore, changes: StoreChanges): FlowStore;
export function announcing(store: EventStore, changes: StoreChanges): EventStore;
export function announcing(store: EventStore & Partial<FlowStore>, changes: StoreChanges): EventStore {
  const { calls, topics, timers, bodies, runs } = store;
  return {
    calls: announcingCalls(calls, changes),
    topics: announcingTopics(topics, changes),
    timers: announcingTimers(timers, changes),
    bodies,
    ...(runs === undefined ? {} : { runs: announcingRuns(runs, changes) }),
  };
}

function announcingCalls(calls: Calls, changes: StoreChanges): Calls {
  return derived(calls, {
    async enqueue(given, options) {
      const outcomes = await calls.enqueue(given, options);
      if (outcomes.some((outcome) => "isNew" in outcome && outcome.isNew)) changes.emit("calls");
      return outcomes;
    },
    async settle(settlements, now) {
      const held = await calls.settle(settlements, now);
      changes.emit("calls");
      const topics = topicsOf(settlements.flatMap(({ events = [] }) => events));
      if (topics.size > 0) changes.emit("events", topics);
      if (settlements.some(({ reply }) => reply !== undefined)) changes.emit("replies");
      return held;
    },
    async beat(owner, now, held) {
      const beat = await calls.beat(owner, now, held);
      if (beat.givenBack > 0) changes.emit("calls");
      return beat;
    },
    async reclaim(request) {
      const reclaimed = await calls.reclaim(request);
      if (reclaimed > 0) changes.emit("calls");
      return reclaimed;
    },
    async cancel(id, now) {
      const state = await calls.cancel(id, now);
      if (state === "cancelled") changes.emit("calls");
      return state;
    },
    async cancelAll(query, options) {
      const cancelled = await calls.cancelAll(query, options);
      if (cancelled.count > 0) changes.emit("calls");
      return cancelled;
    },
    async retry(query, options) {
      const ids = await calls.retry(query, options);
      if (ids.length > 0) changes.emit("calls");
      return ids;
    },
  });
}

function announcingTopics(topics: Topics, changes: StoreChanges): Topics {
  return derived(topics, {
    async publish(events, now) {
      const published = await topics.publish(events, now);
      const topicsNow = topicsOf(events.filter((_, index) => published[index]!.isNew));
      if (topicsNow.size > 0) changes.emit("events", topicsNow);
      return published;
    },
    async move(topic, group, position) {
      const isMoved = await topics.move(topic, group, position);
      if (isMoved) changes.emit("places", topic, group);
      return isMoved;
    },
    async deliver(delivery) {
      const isDelivered = await topics.deliver(delivery);
      if (isDelivered && delivery.calls.length > 0) changes.emit("calls");
      return isDelivered;
    },
  });
}

function announcingTimers(timers: Timers, changes: StoreChanges): Timers {
  return derived(timers, {
    async set(timer) {
      const now = await timers.set(timer);
      changes.emit("timers");
      return now;
    },
    async fire(firing) {
      const isFired = await timers.fire(firing);
      if (isFired && firing.firings.some(({ call }) => call !== undefined)) changes.emit("calls");
      const topics = topicsOf(firing.firings.flatMap(({ event }) => event ?? []));
      if (isFired && topics.size > 0) changes.emit("events", topics);
      return isFired;
    },
  });
}

function announcingRuns(runs: Runs, changes: StoreChanges): Runs {
  const isFree = ({ owned }: NewRun) => owned === undefined;
  return derived(runs, {
    async create(given, options) {
      const created = await runs.create(given, options);
      const isNew = created.map((outcome) => "isNew" in outcome && outcome.isNew);
      if (given.some((run, place) => isNew[place] && isFree(run))) changes.emit("runs");
      for (const [place, { id, owned }] of given.entries())
        if (isNew[place] && owned !== undefined) changes.emit("run", id, owned.entries);
      return created;
    },
    async append(append) {
      const appended = await runs.append(append);
      if (appended === "lost") return appended;
      const {
        run,
        entries,
        runs: begun = [],
        signals = [],
        calls = [],
        events = [],
        isReleased = false,
      } = append;
      changes.emit("run", run, entries);
      if (begun.some(isFree) || signals.length > 0 || isReleased) changes.emit("runs");
      if (calls.length > 0) changes.emit("calls");
      if (events.length > 0) changes.emit("events", topicsOf(events));
      return appended;
    },
    async signal(signals, now) {
      const taken = await runs.signal(signals, now);
      if (taken.includes(true)) changes.emit("runs");
      const cancelled = signals.filter(({ signal }, place) => taken[place] && signal.kind === "cancel");
      // Those that nobody had begun have ended.
      for (const { run } of cancelled) {
        const entries = await runs.entries(run, 1, 2);
        if (entries.at(-1)?.kind === "ended") changes.emit("run", run, entries);
      }
      return taken;
    },
    async reopen(signal, now) {
      const isReopened = await runs.reopen(signal, now);
      if (isReopened) changes.emit("runs");
      return isReopened;
    },
    async beat(owner, now, held) {
      const freed = await runs.beat(owner, now, held);
      if (freed > 0) changes.emit("runs");
      return freed;
    },
    async free(request) {
      const freed = await runs.free(request);
      if (freed > 0) changes.emit("runs");
      return freed;
    },
    waits: derived(runs.waits, {
      async advance(move) {
        const isMoved = await runs.waits.advance(move);
        if (isMoved && move.signals.length > 0) changes.emit("runs");
        return isMoved;
      },
    }),
  });
}

function topicsOf(events: readonly NewEvent[]): ReadonlySet<string> {
  return new Set(events.map(({ topic }) => topic));
}

/** Returns an object that answers `own` itself and has everything else of `base`, whose methods keep their `this`. */
function derived<T extends object>(base: T, own: Partial<T>): T {
  return new Proxy(base, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
