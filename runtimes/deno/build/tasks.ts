import type { SourceType } from "../../../platform/platform.ts";
import type { ProblemCode, ProblemExtensions } from "../../../platform/problems.ts";

/** A source is in its bundle twice, the second time in the source map; the rest is for dependencies. */
export const BUNDLE_PER_SOURCE = 4;

/** What a build worker needs to know of this installation. */
export interface TaskLimits {
  readonly sourceBytes: number;
  /** Longest bundle. */
  readonly outputBytes: number;
  /** Hosts that the operator added for imports. */
  readonly importHosts: readonly string[];
}

/** Work for a build worker. The first body is the source, the second what Deno's bundler printed. */
export type Task = TaskLimits & {
  readonly type: SourceType;
  /** Where Deno sees the folder of its cache. */
  readonly directory: string;
} & (
    | { readonly task: "build" }
    /** Makes the bundle, or the problem, of what Deno's bundler made of the module with outside imports. */
    | { readonly task: "finish" }
    /** Makes the problem of the errors that an outside import brings by itself. */
    | { readonly task: "blame"; readonly specifier: string }
  );

/** What came of a task. The first body is the bundle, or the module. */
export type Reply =
  | { readonly outcome: "ready" }
  | { readonly outcome: "bundle" }
  /** The body is a module that has outside imports in it. */
  | { readonly outcome: "outside" }
  /** Nobody knows which import the errors come from: bundle each of these by itself. */
  | { readonly outcome: "ask"; readonly specifiers: readonly string[] }
  | {
      readonly outcome: "problem";
      readonly code: ProblemCode;
      readonly detail: string;
      readonly extensions: ProblemExtensions;
    }
  /** esbuild ended in the middle of it: out of memory, or out of stack. */
  | { readonly outcome: "collapse" }
  /** A fault of the worker, not of the source. */
  | { readonly outcome: "fault"; readonly message: string };

/** First byte of what deno-bundle.js prints: code follows, or errors as JSON. */
export const DENO_CODE = "c";
export const DENO_ERRORS = "e";
