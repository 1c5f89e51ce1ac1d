/** Flows: functions connected, and their runs, which outlive the program. */
import { LoadedOnce, lateHandler, type ProgramPart } from "../calling/program-part.ts";
import { callbackHosts } from "../http/addresses/callback-hosts.ts";
import { otlpSettings } from "../http/telemetry/otlp-settings.ts";
import { KeyUses } from "../store/key-uses.ts";
import type { Engine } from "./engine/engine.ts";
import { onFirstUse } from "./first-use.ts";
import { FlowMetrics } from "./metrics.ts";
import { flowPath } from "./paths.ts";
import type { FlowsIntake, FlowsOptions } from "./services.ts";
import type { FlowTracer } from "./traces/flow-tracer.ts";

/** Time to export the last spans, in milliseconds. */
const LAST_SPANS_MS = 2_000;

/**
 * Creates the flows of a program.
 * @throws Error naming the setting that is not valid
 */
export function createFlows(options: FlowsOptions): ProgramPart {
  // The engine, which reads it, is loaded later.
  callbackHosts(options.env);
  otlpSettings(options.env);
  const { usage: ledger, now, print } = options;
  const keyUses = new KeyUses({ program: "flows", ledger, now, print });
  const loaded = new LoadedOnce(() => load(options, keyUses.used));
  const metrics = new FlowMetrics({
    runs: options.store.runs,
    counts: () => loaded.value?.engine.counts,
    spansDropped: () => loaded.value?.tracer?.dropped ?? 0,
    now,
  });
  let drained: Promise<void> | undefined;
  let stopWaiting: (() => void) | undefined;
  return {
    takes: (method, target) => flowPath(method, target) !== undefined,
    handler: lateHandler(async () => (await loaded.get()).intake.handler, print),
    async start() {
      if (options.isShared) return void (await loaded.get());
      stopWaiting = await onFirstUse(options, () => {
        if (loaded.isOver) return;
        loaded.get().catch((error: Error) => print(`Flows do not work: ${error.message}`));
      });
    },
    metrics: () => metrics.groups(),
    drain({ drainMs }) {
      drained ??= (async () => {
        stopWaiting?.();
        const all = await loaded.end();
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
