/** One step of a call. */
export interface Step {
  readonly name: string;
  readonly durationMs: number;
}

/** Reads the steps of a `Server-Timing` field that have a duration. */
export function readServerTiming(value: string): Step[] {
  return value.split(",").flatMap((entry) => {
    const [name = "", ...parameters] = entry.split(";").map((part) => part.trim());
    const duration = parameters.find((each) => /^dur=/i.test(each))?.slice("dur=".length);
    const durationMs = Number(duration);
    return name === "" || duration === undefined || !Number.isFinite(durationMs)
      ? []
      : [{ name, durationMs }];
  });
}

export interface Times {
  /** Until the first byte of the answer reached the dashboard. */
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly serverTiming?: string | undefined;
}

/** The steps of a call from its start to its last byte; without a cold start the first one is the function's time. */
export function stepsOf({ firstByteMs, totalMs, serverTiming }: Times): Step[] {
  const steps = serverTiming === undefined ? [] : readServerTiming(serverTiming);
  const known = steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  // What the fields of the function name may overlap: only what fits is a part of the bar.
  const parts = known > firstByteMs * 1.05 ? [] : steps;
  const rest = Math.max(0, firstByteMs - (parts.length === 0 ? 0 : known));
  const waiting = { name: parts.length === 0 ? "first byte" : "network and routing", durationMs: rest };
  const body = { name: "until the last byte", durationMs: Math.max(0, totalMs - firstByteMs) };
  return [...parts, waiting, body];
}
