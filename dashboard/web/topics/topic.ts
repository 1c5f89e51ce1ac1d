export interface GroupPlace {
  readonly group: string;
  /** Of its last event. */
  readonly position: number;
  /** Events that wait in the topic for it. */
  readonly lag: number;
}

export interface TopicSpec {
  readonly access?: "key" | "public";
  readonly paths?: readonly string[];
  readonly replyTimeout?: string;
  readonly keepFor?: string;
  readonly keepBytes?: string;
  readonly maxEvent?: string;
}

/** `GET /topic/NAME`. */
export interface Topic {
  readonly name: string;
  readonly spec: TopicSpec;
  readonly state?: {
    readonly published: number;
    /** Position of the newest event. */
    readonly end: number;
    readonly events: number;
    readonly bytes: number;
    readonly oldestAt?: string;
    readonly groups: readonly GroupPlace[];
    readonly subscriptions: readonly string[];
  };
  readonly noState?: string;
  readonly faults?: readonly string[];
  /** Absent where only subscriptions or flows name it. */
  readonly createdAt?: string;
}

export interface SubscriptionSpec {
  readonly topic: string;
  readonly function?: string;
  readonly url?: string;
  readonly flow?: string;
  readonly path?: string;
  readonly group?: string;
  readonly from?: string;
  readonly order?: string;
  readonly orderBy?: string;
  readonly filter?: unknown;
  readonly retry?: { readonly attempts?: number; readonly backoff?: string; readonly maxAge?: string };
  readonly concurrency?: number;
  readonly replies?: boolean;
  readonly replyTo?: string;
  readonly paused?: boolean;
}

/** `GET /subscription/NAME`. */
export interface Subscription {
  readonly name: string;
  readonly spec: SubscriptionSpec;
  readonly state?: {
    readonly group: string;
    readonly position: number;
    readonly lag: number;
    readonly paused: boolean;
    readonly waiting: number;
    readonly running: number;
    readonly done: number;
    readonly dead: number;
    readonly attempts: number;
  };
  readonly noState?: string;
  readonly faults?: readonly string[];
  readonly createdAt: string;
}

/** One line of `GET /topic/NAME/events`. */
export interface TopicEvent {
  readonly position: number;
  readonly publishedAt: string;
  readonly event: Readonly<Record<string, unknown>> & {
    readonly id: string;
    readonly source: string;
    readonly type: string;
  };
}

/** Who gets the events of a subscription. */
export function targetOf({ function: name, path = "/", url, flow }: SubscriptionSpec): {
  readonly text: string;
  readonly href?: string;
} {
  if (flow !== undefined) return { text: `flow ${flow}`, href: `/flows/${flow}` };
  if (url !== undefined) return { text: url };
  return { text: `${name}${path === "/" ? "" : path}`, href: `/functions/${name}` };
}

export function isPaused({ spec, state }: Pick<Subscription, "spec" | "state">): boolean {
  return state?.paused ?? spec.paused ?? false;
}

/** How long a topic keeps events: hours are days where they can be. */
export function keptForText({ keepFor = "168h" }: TopicSpec): string {
  const hours = Number(/^(\d+)h$/.exec(keepFor)?.[1]);
  if (!(hours > 0 && hours % 24 === 0)) return keepFor;
  return hours === 24 ? "1 day" : `${hours / 24} days`;
}

/** How much a topic keeps, such as `1 GiB`. */
export function keptBytesText({ keepBytes = "1Gi" }: TopicSpec): string {
  return keepBytes.replace(/^(\d+)([KMGT]i)$/, "$1 $2B");
}
