import { type Env, otlpSettings } from "../../http/telemetry/otlp-settings.ts";
import type { AccessLog } from "./access-log.ts";
import type { Tracer } from "./call-record.ts";

/** The access log and the spans of calls; undefined where they are off. */
export interface Telemetry {
  readonly accessLog: AccessLog | undefined;
  readonly tracer: Tracer | undefined;
  /** Flushes both for at most `withinMs`. */
  close(options: { withinMs: number }): Promise<void>;
}

/**
 * Opens the access log and the export of spans. Modules of what is off are not loaded.
 * @param env has `SKIFF_ACCESS_LOG` and OpenTelemetry's variables
 * @param print prints one line on the terminal: the reason why lines or spans are lost
 * @throws Error with a text for the operator: invalid variable, file that cannot be written
 */
export async function openTelemetry(env: Env, print: (line: string) => void): Promise<Telemetry> {
  const target = env.SKIFF_ACCESS_LOG || "off";
  const settings = otlpSettings(env);
  const accessLog =
    target === "off" ? undefined : new (await import("./access-log.ts")).AccessLog({ target, print });
  const tracer = settings && new (await import("./otlp-tracer.ts")).OtlpTracer(settings, print);
  return {
    accessLog,
    tracer,
    async close({ withinMs }) {
      await Promise.all([accessLog?.close(withinMs), tracer?.close(withinMs)]);
    },
  };
}
