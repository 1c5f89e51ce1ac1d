export interface StopSignalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.ppid` when the program began, because npm may end while it starts. The current one by default. */
  readonly parent?: number;
  /** The start of the program. One that a signal finds under way may finish, so that everything is closed in order. */
  readonly start?: Promise<unknown>;
  /** Ends the program at once; by default with exit code 1. */
  readonly stopNow?: () => void;
  /** Removes the listeners. */
  readonly signal?: AbortSignal;
}

/** npm and the launcher of `skiff` forward signals that a terminal has also sent to its children: one Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 1_000;
const PARENT_EVERY_MS = 500;
/** Time that a start has to finish after a signal. One that waits for another service may never. */
const FINISH_START_MS = 5_000;

/**
 * Resolves with the reason to stop the program: SIGINT, SIGTERM or SIGHUP. A second SIGINT or SIGTERM ends the program
 * at once, and so does a start that does not finish after the first. A closed terminal sends SIGHUP several times, so further
 * ones are ignored.
 *
 * Under `npm start` and under the launcher, which names itself in skiff_launcher, the end of the parent counts as well:
 * npm forwards SIGINT and SIGTERM only, and dies of SIGHUP and SIGKILL. Node has no event for the end of a parent, so its
 * process id is compared twice a second.
 */
export function untilStopSignal(options: StopSignalOptions): Promise<string> {
  const { env, parent = process.ppid, start, stopNow = () => process.exit(1), signal: end } = options;
  const isUnderNpm = env.npm_lifecycle_event === "start";
  const isLaunched = isUnderNpm || env.skiff_launcher !== undefined;
  const { promise, resolve } = Promise.withResolvers<string>();
  let stoppedAtMs: number | undefined;
  let isStarting = start !== undefined;
  const hasStarted = () => {
    isStarting = false;
  };
  start?.then(hasStarted, hasStarted);
  const stop = (reason: string) => {
    if (stoppedAtMs === undefined) setTimeout(() => isStarting && stopNow(), FINISH_START_MS).unref();
    stoppedAtMs ??= performance.now();
    resolve(reason);
  };
  const onSignal = (name: NodeJS.Signals) => {
    if (stoppedAtMs === undefined) stop(name);
    else if (!isLaunched || performance.now() - stoppedAtMs > SAME_SIGNAL_MS) stopNow();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", stop);
  const checkParent = () => {
    if (process.ppid !== parent) stop(isUnderNpm ? "npm has ended" : "the launcher has ended");
  };
  const timer = isLaunched ? setInterval(checkParent, PARENT_EVERY_MS).unref() : undefined;
  end?.addEventListener("abort", () => {
    clearInterval(timer);
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", stop);
  });
  return promise;
}
