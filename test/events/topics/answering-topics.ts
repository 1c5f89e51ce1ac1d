import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { EventsPart } from "../../../events/services.ts";
import { createTopics } from "../../../events/topics/topics.ts";
import type { Access } from "../../../http/access/access.ts";
import { SUBSCRIPTION_KIND, TOPIC_KIND } from "../../../platform/events/kinds.ts";
import type { SubscriptionSpec } from "../../../platform/events/subscription-spec.ts";
import type { TopicSpec } from "../../../platform/events/topic-spec.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { Answer, NewCall } from "../../../store/call.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { EventStore } from "../../../store/store.ts";
import { MemoryTopics } from "../../support/events/memory-topics.ts";
import { MemoryDeclarations } from "../../support/platform/memory-declarations.ts";

/** What a subscription answers; without one its deliveries wait. */
export type Subscriber = (call: NewCall) => {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
};

export interface AnsweringTopics {
  readonly url: string;
  readonly memory: MemoryTopics;
  readonly keys: KeyTable;
  readonly subscribers: Map<string, Subscriber>;
  declareTopic(name: string, spec?: TopicSpec): Promise<void>;
  subscribe(name: string, spec: Partial<SubscriptionSpec>, subscriber?: Subscriber): Promise<void>;
  removeSubscription(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Topics over HTTP with everything in memory. Deliveries are answered by functions of the test instead of a worker. */
export async function answeringTopics(access: Access = { mode: "open" }): Promise<AnsweringTopics> {
  const memory = new MemoryTopics();
  const changes = storeChanges();
  const declarations = new MemoryDeclarations({
    kinds: { [TOPIC_KIND]: "topics", [SUBSCRIPTION_KIND]: "subscriptions", [FLOW_KIND]: "flows" },
    throwIfOver: () => {},
  });
  const stored = new Map<string, Buffer>();
  const bodies: Bodies = {
    async write(parts) {
      const id = `body${stored.size}`;
      stored.set(id, Buffer.concat(await Array.fromAsync(parts)));
      return { id, bytes: stored.get(id)!.length };
    },
    remove: () => assert.fail(),
    async *read(body) {
      if ("id" in body) yield stored.get(body.id)!;
    },
  };
  const calls = {
    live: async () => 0,
    totals: async () => [],
    list: async () => [],
  } as unknown as EventStore["calls"];
  const keys = new KeyTable();
  const part = await createTopics({
    store: announcing({ topics: memory, calls, bodies, timers: {} } as unknown as EventStore, changes),
    ...{ changes, keys, access, limits: limitsFromEnv({}), isShared: false, env: {}, print: () => {} },
    ...{ router: () => "", callerKey: "", now: Date.now, random: Math.random },
    platform: { declarations, endpoints: () => undefined, allEndpoints: () => [], watch: () => () => {} },
  });
  const subscribers = new Map<string, Subscriber>();
  const faults: unknown[] = [];
  changes.on("calls", () => {
    for (const call of memory.delivered.splice(0)) answer(call).catch((error) => faults.push(error));
  });

  async function answer(call: NewCall): Promise<void> {
    const { origin } = call;
    if (origin.kind !== "subscription") return;
    const subscriber = subscribers.get(origin.name);
    if (subscriber === undefined) return;
    const { status = 200, headers = {}, body = "" } = subscriber(call);
    const inline = Buffer.from(body);
    const given: Answer = { status, headers: Object.entries(headers).flat(), body: { inline }, isCut: false };
    const outcome =
      status < 400 ? { state: "done" as const } : { state: "dead" as const, reason: String(status) };
    const leased = { ...call, epoch: 1, attempt: 1, attemptOfRound: 1, roundAt: 0 };
    const { reply, events = [] } = await part.deliveries!.ended!({ call: leased, outcome, answer: given });
    if (reply !== undefined)
      memory.waiting.set(reply.waiter, [...(memory.waiting.get(reply.waiter) ?? []), reply]);
    await memory.publish(events, Date.now());
    if (reply !== undefined) changes.emit("replies");
    if (events.length > 0) changes.emit("events", new Set(events.map(({ topic }) => topic)));
  }

  const server = await listening(part);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ memory, keys, subscribers },
    async declareTopic(name, spec = {}) {
      await declarations.put(TOPIC_KIND, name, { spec });
    },
    async subscribe(name, spec, subscriber) {
      if (subscriber !== undefined) subscribers.set(name, subscriber);
      const whole = { ...(spec.url === undefined ? { function: name } : {}), ...spec };
      await declarations.put(SUBSCRIPTION_KIND, name, { spec: whole });
    },
    async removeSubscription(name) {
      await declarations.remove(SUBSCRIPTION_KIND, name);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await part.close();
      assert.deepEqual(faults, []);
    },
  };
}

async function listening({ handler }: EventsPart): Promise<Server> {
  const server = createServer({ requireHostHeader: false }, handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
