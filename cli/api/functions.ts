import type { Api } from "./api.ts";

/** A function in `GET /func`. */
export interface FunctionSummary {
  readonly name: string;
  readonly version: number;
  readonly url: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Instances that take calls. */
  readonly ready: number;
}

/** What `GET /func/NAME` answers. Members that a Skiff may lack are optional. */
export interface FunctionDescription extends FunctionSummary {
  readonly settings: Readonly<Record<string, unknown>> & {
    readonly env: Readonly<Record<string, string>>;
    readonly runtime?: string;
    readonly program?: {
      readonly command?: readonly string[];
      readonly mode?: string;
      readonly cgi?: boolean;
      readonly handler?: string;
    };
    readonly isolation?: string;
    readonly pool?: number;
  };
  /** What holds its instances. */
  readonly isolation?: { readonly files: string; readonly network: string };
  /** What its image was at the deploy. */
  readonly image?: { readonly image: string; readonly digest: string };
  readonly traffic: readonly { readonly version: number; readonly weight: number }[];
  readonly versions: readonly { readonly version: number; readonly createdAt: string }[];
  readonly instances: readonly {
    readonly id: string;
    readonly version: number;
    readonly state: string;
    readonly startedAt?: string;
    readonly memoryMiB?: number;
  }[];
  readonly lastErrors: readonly unknown[];
  readonly notReady?: unknown;
  readonly state?: { readonly canCall: boolean; readonly reason?: string };
  /** Asynchronous calls. */
  readonly async?: { readonly waiting: number; readonly running: number; readonly dead: number };
  /** Times of the setting `cron`. */
  readonly schedules?: readonly { readonly cron: string; readonly next: readonly string[] }[];
  readonly lastHour?: Readonly<Record<string, number | null>>;
  readonly lastFailures?: readonly Readonly<Record<string, unknown>>[];
  readonly lastDeploys?: readonly Readonly<Record<string, unknown>>[];
}

export function listFunctions(api: Api): Promise<FunctionSummary[]> {
  return api.all<FunctionSummary>("/func", "functions");
}

/** Path of a function in the API. The name is checked there. */
export function functionPath(name: string, rest = ""): string {
  return `/func/${encodeURIComponent(name)}${rest}`;
}
