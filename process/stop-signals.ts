export interface StopSignalsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.ppid` when the program began: npm may end while it starts. */
  readonly parent: number;
  /** Ends the program; called once, with the signal or event that asked for it. */
  readonly stop: (reason: string) => void;
  /** Ends the program at once. */
  readonly stopNow: () => void;
}

/** npm forwards signals that a terminal has also sent to its children: one Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 1_000;
const PARENT_EVERY_MS = 500;

/**
 * Ends the program on SIGINT, SIGTERM and SIGHUP; a second SIGINT or SIGTERM ends it at once. A closed terminal sends
 * SIGHUP several times, so further ones are ignored.
 *
 * Under `npm start` the end of npm counts as well: npm forwards SIGINT and SIGTERM only, and dies of SIGHUP and SIGKILL.
 * Node has no event for the end of a parent, so its process id is compared twice a second.
 * @returns a function that stops listening
 */
export function onStopSignals({ env, parent, stop, stopNow }: StopSignalsOptions): () => void {
  const isUnderNpm = env.npm_lifecycle_event === "start";
  let stoppedMs: number | undefined;
  let watch: NodeJS.Timeout | undefined;
  const begin = (reason: string) => {
    clearInterval(watch);
    stoppedMs = performance.now();
    stop(reason);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppedMs === undefined) begin(signal);
    else if (!isUnderNpm || performance.now() - stoppedMs > SAME_SIGNAL_MS) stopNow();
  };
  const onHangUp = () => {
    if (stoppedMs === undefined) begin("SIGHUP");
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onHangUp);
  if (isUnderNpm) {
    watch = setInterval(() => {
      if (process.ppid !== parent) begin("npm has ended");
    }, PARENT_EVERY_MS).unref();
  }
  return () => {
    clearInterval(watch);
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onHangUp);
  };
}
