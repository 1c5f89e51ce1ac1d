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
import { flowPath } from "./paths.ts";
import type { FlowsIntake, FlowsOptions, RequestHandler } from "./services.ts";
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

/**
 * Creates the flows of a program.
 * @throws Error naming the setting that is not valid
 */
export function createFlows(options: FlowsOptions): Flows {
  // The engine, which reads it, is loaded later.
  callbackHosts(options.env);
  otlpSettings(options.env);
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
      const { intake } = await loaded();
      intake.handler(request, response);
    } catch (error) {
      answerError(response, error, print);
    }
  };
  return {
    takes: (method, target) => flowPath(method, target) !== undefined,
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
        const all = await loading?.catch(() => undefined);
        await Promise.all([all?.intake.close(), all?.engine.close({ drainMs })]);
        await Promise.all([keyUses.flush(), all?.tracer?.close(LAST_SPANS_MS)]);
      })();
      return drained;
    },
  };
}

/** Loaded at the start, or at the first request, so that Skiff starts quickly. */
interface Loaded {
  readonly intake: FlowsIntake;
  readonly engine: Engine;
  /** Undefined if no spans are exported. */
  readonly tracer: FlowTracer | undefined;
}

async function load(options: FlowsOptions, keyUsed: (id: string) => void): Promise<Loaded> {
  const { Engine } = await import("./engine/engine.ts");
  const tracer = await tracerOf(options);
  const engine = await Engine.open({ ...options, tracer });
  const { table, newRuns, values, inputs: inputChecks, begin } = engine;
  const { createIntake } = await import("./intake/intake.ts");
  const intake = await createIntake({ ...options, keyUsed, table, newRuns, values, inputChecks, begin });
  return { intake, engine, tracer };
}

/** Modules of what is off are not loaded. */
async function tracerOf({ env, print }: FlowsOptions): Promise<FlowTracer | undefined> {
  const settings = otlpSettings(env);
  return settings && new (await import("./traces/otlp-flow-tracer.ts")).OtlpFlowTracer(settings, print);
}
