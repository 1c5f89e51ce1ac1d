import type { AccessLog } from "./access-log.ts";
import type { Tracer } from "./call-span.ts";
import { otlpSettings } from "./otlp-settings.ts";

/** What is written down of every call, as far as it is switched on. */
export interface Seeing {
  readonly accessLog: AccessLog | undefined;
  readonly tracer: (Tracer & { readonly dropped: number }) | undefined;
  /** Writes and exports what is held, for at most `withinMs`; afterwards nothing more is. */
  close(options: { withinMs: number }): Promise<void>;
}

export interface SeeingOptions {
  /** `SKIFF_ACCESS_LOG` and OpenTelemetry's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line for people: why something of it is lost. */
  readonly print: (line: string) => void;
}

/**
 * Opens the access log and the export of spans. What is not switched on is not loaded either.
 * @throws Error in words for the person who started it: bad variable, file that cannot be written
 */
export async function openSeeing({ env, print }: SeeingOptions): Promise<Seeing> {
  const target = env.SKIFF_ACCESS_LOG || "off";
  const settings = otlpSettings(env);
  const accessLog =
    target === "off" ? undefined : new (await import("./access-log.ts")).AccessLog({ target, print });
  const tracer =
    settings === undefined
      ? undefined
      : new (await import("./otlp-tracer.ts")).OtlpTracer({ settings, print });
  return {
    accessLog,
    tracer,
    async close({ withinMs }) {
      await Promise.all([accessLog?.close(withinMs), tracer?.close(withinMs)]);
    },
  };
}
