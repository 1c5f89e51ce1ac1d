import type { FlowDefinition } from "../../../../platform/flows/definition/definition.ts";

/** A flow as `GET /flow` and `GET /flow/NAME` have it. */
export interface FlowDocument {
  readonly name: string;
  readonly description?: string;
  readonly version?: number;
  readonly on?: FlowDefinition["on"];
  /** Runs by state: live ones now, and all that ever ended. */
  readonly runs?: Readonly<Record<string, number>>;
  /** Why runs are missing. */
  readonly noState?: string;
  readonly faults?: readonly { readonly line?: number; readonly text: string }[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface FlowDetails extends FlowDocument {
  readonly definition?: FlowDefinition;
  /** Absent where nothing but the API and HTTP begins runs. */
  readonly triggers?: {
    readonly topics?: readonly {
      readonly topic: string;
      readonly lag?: number | null;
      readonly waiting?: number;
      readonly dead?: number;
    }[];
    readonly crons?: readonly {
      readonly name: string;
      readonly cron: string;
      readonly next: readonly string[];
      readonly lastAt?: string;
      readonly lastOutcome?: string;
    }[];
  };
  readonly warnings?: readonly string[];
}

/** What begins runs, in words. */
export function triggerTexts({ on }: Pick<FlowDocument, "on">): readonly string[] {
  if (on === undefined) return [];
  const { http, topics = [], crons = [] } = on;
  return [
    "API",
    ...(http === undefined ? [] : [`${http.methods.join(", ")} ${http.path}`]),
    ...topics.map(({ topic }) => `topic ${topic}`),
    ...crons.map(({ cron, timeZone }) => `cron ${cron}${timeZone === undefined ? "" : ` (${timeZone})`}`),
  ];
}
