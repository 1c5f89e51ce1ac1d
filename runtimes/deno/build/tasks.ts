import type { SourceType } from "../../../platform/platform.ts";
import type { ProblemCode, ProblemExtensions } from "../../../platform/problems.ts";

/** A source is in its bundle twice, the second time in the source map; the rest is for dependencies. */
export const BUNDLE_PER_SOURCE = 4;

/** Limits of this installation that a build worker applies. */
export interface TaskLimits {
  readonly sourceBytes: number;
  /** Longest bundle. */
  readonly outputBytes: number;
  /** Hosts that the operator added for imports. */
  readonly importHosts: readonly string[];
}

/** Work for a build worker. The first body is the source, the second the output of Deno's bundler. */
export type Task = TaskLimits &
  TaskStep & {
    readonly type: SourceType;
    /** Folder of Deno's cache, as Deno sees it. */
    readonly directory: string;
  };

export type TaskStep =
  | { readonly task: "build" }
  /** Makes the bundle or the problem from the output of Deno's bundler. */
  | { readonly task: "finish" }
  /** Makes the problem from the errors of one outside import. */
  | { readonly task: "blame"; readonly specifier: string };

/** Result of a task. The first body is the bundle, or the module. */
export type Reply =
  | { readonly outcome: "ready" }
  | { readonly outcome: "bundle" }
  /** The body is a module with outside imports, for Deno's bundler. */
  | { readonly outcome: "outside" }
  /** The errors name no import: bundle each of these by itself. */
  | { readonly outcome: "ask"; readonly specifiers: readonly string[] }
  | {
      readonly outcome: "problem";
      readonly code: ProblemCode;
      readonly detail: string;
      readonly extensions: ProblemExtensions;
    }
  /** esbuild crashed: out of memory, or out of stack. */
  | { readonly outcome: "collapse" }
  /** The worker is at fault, not the source. */
  | { readonly outcome: "fault"; readonly message: string };

/** First byte of what deno-bundle.js prints: code follows, or errors as JSON. */
export const DENO_CODE = "c";
export const DENO_ERRORS = "e";
