import type { Entry } from "./entry.ts";

/** What somebody wants of a run, or tells it. Its engine makes entries of it. */
export type Signal =
  | { readonly kind: "cancel"; readonly by: string; readonly reason?: string | undefined }
  | { readonly kind: "pause" | "resume"; readonly by: string }
  /** Of an ended run; see entry `reopened`. */
  | {
      readonly kind: "retry";
      readonly by: string;
      readonly from?: string | undefined;
      readonly item?: number | undefined;
      /** Versions that calls go to from now on, by function; by default those with which the run began. */
      readonly functions?: Readonly<Record<string, number>> | undefined;
    }
  | {
      readonly kind: "approval";
      readonly step: string;
      readonly item?: number | undefined;
      readonly approved: boolean;
      readonly by: string;
      readonly comment?: string | undefined;
      readonly data?: unknown;
    }
  /** An event for a wait. */
  | {
      readonly kind: "event";
      readonly step: string;
      readonly item?: number | undefined;
      readonly topic: string;
      readonly position: number;
      /** `{id, source, type, subject, …, data}` as for expressions. */
      readonly event: Readonly<Record<string, unknown>>;
    }
  /** A run that is a step of this one could not be begun for now: nothing has run. */
  | {
      readonly kind: "refused";
      readonly step: string;
      readonly item?: number | undefined;
      readonly attempt: number;
      readonly run: string;
      /** Code of the problem. */
      readonly code: string;
    }
  /** A run that is a step of this one ended. */
  | {
      readonly kind: "flow";
      readonly step: string;
      readonly item?: number | undefined;
      readonly attempt: number;
      readonly run: string;
      readonly end: Extract<Entry, { kind: "ended" }>;
    };
