import type { Instance, InstanceDescription } from "../../platform.ts";
import type { Settings } from "../../settings.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";

/** One running copy of one version, whatever launched it, as supervision needs it. Times are monotonic. */
export interface RunningInstance extends Instance {
  readonly address: { readonly unix: string };
  readonly version: number;
  readonly settings: Settings;
  readonly resources: InstanceResources;
  readonly startedAtMs: number;
  readonly readyAtMs: number | undefined;
  /** Resolves when a probe was answered; rejects with StartError when it ends before that. */
  readonly ready: Promise<void>;
  /** Resolves with a person's words for how it ended, as soon as it has. */
  readonly exited: Promise<string>;
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<void>;
  /** The platform ends it, so that its end is no crash. */
  readonly stopping: boolean;
  /** The error of the system for which it could not be started; undefined if there was none. */
  readonly cause: unknown;
  /** Memory that it was expected to need when it was started. */
  readonly expectedMiB: number;
  /** Memory that it held when it was measured last; undefined where the system does not report it. */
  readonly usedMiB: number | undefined;
  /** When its event loop answered `ask` last. */
  readonly answeredAtMs: number;
  describe(state: InstanceDescription["state"]): InstanceDescription;
  /** Asks its event loop for a sign of life, also while it drains and takes no connections any more. */
  ask(): void;
  /** Lets the calls under way finish, at most for `graceMs`; the instance must be out of the endpoints. */
  drain(graceMs: number): Promise<void>;
  /** Ends it at once; `because` is what people read about it. */
  kill(because: string): void;
}

/** An instance ended before it was ready. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** The last lines that it printed. */
  readonly log: readonly string[];

  constructor(how: string, log: readonly string[], cause?: unknown) {
    super(how, { cause });
    this.log = log;
  }
}
