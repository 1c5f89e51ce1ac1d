/** Asynchronous calls, topics and schedules: what waits in the store, and is sent to functions when its time has come. */
import { LoadedOnce, lateHandler, type ProgramPart } from "../calling/program-part.ts";
import { callbackHosts } from "../http/addresses/callback-hosts.ts";
import { KeyUses } from "../store/key-uses.ts";
import { callbackSecret } from "./callback-settings.ts";
import type { Worker } from "./delivery/worker.ts";
import { EventMetrics } from "./metrics.ts";
import { type EventPath, eventPath } from "./paths.ts";
import type { EventServices, EventsOptions, EventsPart, RequestHandler } from "./services.ts";

interface PartRow {
  readonly paths: readonly EventPath[];
  readonly load: (services: EventServices) => Promise<EventsPart>;
}

/** Each part is loaded at the start of events or at its first request, so that Skiff starts quickly. */
const PARTS: readonly PartRow[] = [
  {
    paths: ["async"],
    load: async (services) => (await import("./intake/intake.ts")).createIntake(services),
  },
  {
    paths: ["topic", "gateway"],
    load: async (services) => (await import("./topics/topics.ts")).createTopics(services),
  },
  {
    paths: [],
    load: async (services) => (await import("./schedules/schedules.ts")).createSchedules(services),
  },
];

/**
 * Creates the events of a program.
 * @throws Error naming the setting of callbacks that is not valid
 */
export function createEvents(options: EventsOptions): ProgramPart {
  // The parts that read them are loaded later.
  callbackHosts(options.env);
  callbackSecret(options.env);
  const { usage: ledger, now, print } = options;
  const keyUses = new KeyUses({ program: "events", ledger, now, print });
  const loaded = new LoadedOnce(() => load({ ...options, keyUsed: keyUses.used }));
  const firings = () =>
    loaded.value?.parts.map((part) => part.delays?.()).find((delays) => delays !== undefined);
  const metrics = new EventMetrics({ store: options.store, firings, now });
  let drained: Promise<void> | undefined;
  return {
    takes: (method, target) => eventPath(method, target) !== undefined,
    handler: lateHandler(async ({ method, url }) => {
      const { handlers } = await loaded.get();
      return handlers.get(eventPath(method!, url!)!)!;
    }, print),
    async start() {
      await loaded.get();
    },
    metrics: () => metrics.groups(),
    drain({ drainMs }) {
      drained ??= (async () => {
        const all = await loaded.end();
        await Promise.all([
          ...(all?.parts ?? []).map((part) => part.close()),
          all?.worker.close({ drainMs }),
        ]);
        await keyUses.flush();
      })();
      return drained;
    },
  };
}

interface Loaded {
  readonly parts: readonly EventsPart[];
  readonly worker: Worker;
  readonly handlers: ReadonlyMap<EventPath, RequestHandler>;
}

async function load(services: EventServices): Promise<Loaded> {
  const parts = await Promise.all(PARTS.map((row) => row.load(services)));
  const handlers = PARTS.flatMap(({ paths }, index) => {
    const { handler } = parts[index]!;
    return handler === undefined ? [] : paths.map((path) => [path, handler] as const);
  });
  const { Worker } = await import("./delivery/worker.ts");
  const worker = new Worker({ ...services, hooks: parts.flatMap(({ deliveries }) => deliveries ?? []) });
  return { parts, worker, handlers: new Map(handlers) };
}
