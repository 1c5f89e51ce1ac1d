/** Flows: functions connected, and their runs, which outlive the program. */
import { callbackHosts } from "../calling/callback-hosts.ts";
import { discardBody } from "../http/discard-body.ts";
import { answerError } from "../http/problem-answer.ts";
import { otlpSettings } from "../http/telemetry/otlp-settings.ts";
import type { Group } from "../metrics/metrics.ts";
import { draining } from "../platform/problems.ts";
import { KeyUses } from "../store/key-uses.ts";
import type { Engine } from "./engine/engine.ts";
import { onFirstUse } from "./first-use.ts";
import { FlowMetrics } from "./metrics.ts";
import { type FlowPath, flowPath } from "./paths.ts";
import type { FlowServices, FlowsOptions, FlowsPart, RequestHandler } from "./services.ts";
import type { FlowTracer } from "./traces/flow-tracer.ts";

/** Time to export the last spans, in milliseconds. */
const LAST_SPANS_MS = 2_000;

export interface Flows {
  /** Returns whether `handler` answers a request. */
  takes(method: string, target: string): boolean;
  /** For `http.createServer`. */
  readonly handler: RequestHandler;
  /** Begins to run what waits in the store, or what comes to it later. The router must listen. */
  start(): Promise<void>;
  /**
   * Refuses requests with 503 `draining` and begins no calls. Resolves when the calls under way have ended and this is stored, or
   * after `drainMs`. Later calls return the same promise.
   */
  drain(options: { readonly drainMs: number }): Promise<void>;
  /** Reads the runs of the store, which all of its programs share, and what the engine of this one counts. */
  metrics(): Promise<readonly Group[]>;
}

interface PartRow {
  readonly paths: readonly FlowPath[];
  readonly load: (services: FlowServices) => Promise<FlowsPart>;
}

/** Each part is loaded at the start of flows or at its first request, so that Skiff starts quickly. */
const PARTS: readonly PartRow[] = [
  {
    paths: ["run", "http"],
    load: async (services) => (await import("./intake/intake.ts")).createIntake(services),
  },
];

/**
 * Creates the flows of a program.
 * @throws Error naming the setting that is not valid
 */
export function createFlows(options: FlowsOptions): Flows {
  // The engine, which reads it, is loaded later.
  callbackHosts(options.env);
  otlpSettings(options.env);
  const paths = new Set(PARTS.flatMap((row) => row.paths));
  let loading: Promise<Loaded> | undefined;
  let drained: Promise<void> | undefined;
  let running: Loaded | undefined;
  let stopWaiting: (() => void) | undefined;
  const { usage: ledger, now, print } = options;
  const keyUses = new KeyUses({ program: "flows", ledger, now, print });
  const loaded = () => {
    if (drained !== undefined) throw draining();
    loading ??= load(options, keyUses.used);
    loading.then(
      (all) => {
        running = all;
      },
      () => {
        // The next request tries again.
        loading = undefined;
      },
    );
    return loading;
  };
  const counts = () => running?.engine.counts;
  const spansDropped = () => running?.tracer?.dropped ?? 0;
  const metrics = new FlowMetrics({ runs: options.store.runs, counts, spansDropped, now });
  const answer: (...given: Parameters<RequestHandler>) => Promise<void> = async (request, response) => {
    try {
      const { handlers } = await loaded();
      handlers.get(flowPath(request.method!, request.url!)!)!(request, response);
    } catch (error) {
      answerError(response, error, print);
    }
  };
  return {
    takes(method, target) {
      const path = flowPath(method, target);
      return path !== undefined && paths.has(path);
    },
    handler(request, response) {
      response.once("close", () => discardBody(request));
      void answer(request, response);
    },
    async start() {
      if (options.isShared) return void (await loaded());
      stopWaiting = await onFirstUse(options, () => {
        if (drained !== undefined) return;
        loaded().catch((error: Error) => print(`Flows do not work: ${error.message}`));
      });
    },
    metrics: () => metrics.groups(),
    drain({ drainMs }) {
      drained ??= (async () => {
        stopWaiting?.();
        const { parts, engine, tracer } = (await loading?.catch(() => undefined)) ?? { parts: [] };
        await Promise.all([...parts.map((part) => part.close()), engine?.close({ drainMs })]);
        await Promise.all([keyUses.flush(), tracer?.close(LAST_SPANS_MS)]);
      })();
      return drained;
    },
  };
}

interface Loaded {
  readonly parts: readonly FlowsPart[];
  readonly engine: Engine;
  /** Undefined if no spans are exported. */
  readonly tracer: FlowTracer | undefined;
  readonly handlers: ReadonlyMap<FlowPath, RequestHandler>;
}

async function load(options: FlowsOptions, keyUsed: (id: string) => void): Promise<Loaded> {
  const { Engine } = await import("./engine/engine.ts");
  const tracer = await tracerOf(options);
  const engine = await Engine.open({ ...options, tracer });
  const { table, newRuns, values, inputs: inputChecks, begin } = engine;
  const services = { ...options, keyUsed, table, newRuns, values, inputChecks, begin };
  const parts = await Promise.all(PARTS.map((row) => row.load(services)));
  const handlers = PARTS.flatMap(({ paths }, index) => {
    const { handler } = parts[index]!;
    return handler === undefined ? [] : paths.map((path) => [path, handler] as const);
  });
  return { parts, engine, tracer, handlers: new Map(handlers) };
}

/** Modules of what is off are not loaded. */
async function tracerOf({ env, print }: FlowsOptions): Promise<FlowTracer | undefined> {
  const settings = otlpSettings(env);
  return settings && new (await import("./traces/otlp-flow-tracer.ts")).OtlpFlowTracer(settings, print);
}
