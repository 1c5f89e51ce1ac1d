export interface ScheduleSpec {
  readonly cron: string;
  readonly timeZone?: string;
  readonly call?: {
    readonly function: string;
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly event?: { readonly topic: string; readonly type?: string; readonly data?: unknown };
  readonly run?: { readonly flow: string; readonly input?: unknown };
  readonly overlap?: "skip" | "queue" | "allow";
  readonly missed?: "skip" | "once" | "all";
  readonly jitter?: string;
  readonly paused?: boolean;
}

export type Outcome = "fired" | "skipped" | "missed";

/** `GET /schedule/NAME`. */
export interface Schedule {
  readonly name: string;
  readonly spec: ScheduleSpec;
  /** The next ten times; none while it is paused. */
  readonly next?: readonly string[];
  readonly state?: {
    readonly paused: boolean;
    readonly nextAt: string | null;
    readonly lastAt?: string;
    readonly lastOutcome?: Outcome;
  };
  readonly noState?: string;
  readonly faults?: readonly string[];
  readonly createdAt: string;
}

/** What became of one time. */
export interface Firing {
  readonly at: string;
  readonly firedAt: string;
  readonly outcome: Outcome;
  readonly call?: string;
  readonly run?: string;
}

export const OUTCOMES: Readonly<
  Record<Outcome, { readonly tone: "ok" | "warn" | "bad"; readonly title: string }>
> = {
  fired: { tone: "ok", title: "It fired" },
  skipped: { tone: "warn", title: "What an earlier time began had not finished" },
  missed: { tone: "bad", title: "Nothing ran at that time" },
};

export function isPaused({ spec, state }: Pick<Schedule, "spec" | "state">): boolean {
  return state?.paused ?? spec.paused ?? false;
}

/** What a schedule fires. */
export function targetOf({ call, event, run }: ScheduleSpec): {
  readonly text: string;
  readonly href: string;
} {
  if (run !== undefined) return { text: `flow ${run.flow}`, href: `/flows/${run.flow}` };
  if (event !== undefined) return { text: `topic ${event.topic}`, href: `/topics/${event.topic}` };
  const { function: name = "", path = "/" } = call ?? {};
  return { text: `${name}${path === "/" ? "" : path}`, href: `/functions/${name}` };
}
