/** Asynchronous calls, topics and schedules: what waits in the store, and is sent to functions when its time has come. */
import { callbackHosts } from "../calling/callback-hosts.ts";
import { discardBody } from "../http/discard-body.ts";
import { answerError } from "../http/problem-answer.ts";
import type { Group } from "../metrics/metrics.ts";
import { draining } from "../platform/problems.ts";
import { KeyUses } from "../store/key-uses.ts";
import { callbackSecret } from "./callback-settings.ts";
import type { Worker } from "./delivery/worker.ts";
import { EventMetrics } from "./metrics.ts";
import { type EventPath, eventPath } from "./paths.ts";
import type { EventServices, EventsOptions, EventsPart, RequestHandler } from "./services.ts";

export interface Events {
  /** Returns whether `handler` answers a request. */
  takes(method: string, target: string): boolean;
  /** For `http.createServer`. */
  readonly handler: RequestHandler;
  /** Begins to send what waits in the store. The router must listen. */
  start(): Promise<void>;
  /**
   * Refuses requests with 503 `draining` and begins no calls. Resolves when the calls under way have ended and this is
   * stored, or after `drainMs`. Later calls return the same promise.
   */
  drain(options: { readonly drainMs: number }): Promise<void>;
  /** Reads the counts of the store, which all of its programs share, and the firings of this one. */
  metrics(): Promise<readonly Group[]>;
}

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
export function createEvents(options: EventsOptions): Events {
  // The parts that read them are loaded later.
  callbackHosts(options.env);
  callbackSecret(options.env);
  const paths = new Set(PARTS.flatMap((row) => row.paths));
  let loading: Promise<Loaded> | undefined;
  let drained: Promise<void> | undefined;
  let parts: readonly EventsPart[] = [];
  const firings = () => parts.map((part) => part.delays?.()).find((delays) => delays !== undefined);
  const { usage: ledger, now, print } = options;
  const keyUses = new KeyUses({ program: "events", ledger, now, print });
  const metrics = new EventMetrics({ store: options.store, firings, now });
  const loaded = () => {
    if (drained !== undefined) throw draining();
    loading ??= load({ ...options, keyUsed: keyUses.used });
    // The next request tries again.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  const answer: (...given: Parameters<RequestHandler>) => Promise<void> = async (request, response) => {
    try {
      const { handlers } = await loaded();
      handlers.get(eventPath(request.method!, request.url!)!)!(request, response);
    } catch (error) {
      answerError(response, error, print);
    }
  };
  return {
    takes(method, target) {
      const path = eventPath(method, target);
      return path !== undefined && paths.has(path);
    },
    handler(request, response) {
      response.once("close", () => discardBody(request));
      void answer(request, response);
    },
    async start() {
      ({ parts } = await loaded());
    },
    metrics: () => metrics.groups(),
    drain({ drainMs }) {
      drained ??= (async () => {
        const { parts, worker } = (await loading?.catch(() => undefined)) ?? { parts: [] };
        await Promise.all([...parts.map((part) => part.close()), worker?.close({ drainMs })]);
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
