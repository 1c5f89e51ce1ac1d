import type { SourceType } from "../../../platform/platform.ts";
import type { ProblemCode, ProblemExtensions } from "../../../platform/problems.ts";
import type { Adapters } from "../../program/build/choose-handler.ts";
import type { Need } from "../../program/build/needs.ts";
import type { Entries } from "../../runtime.ts";
import type { FormerStart, StartOrder } from "../../start-order.ts";

/** Artifacts may be this many times as long as sources; the rest is for packages. */
export const ARTIFACT_PER_SOURCE = 4;

/** A folder of functions may be this many times as long as a source, packed and unpacked. */
export const FOLDER_PER_SOURCE = 3;

/** Work for a build worker. The body is the source. */
export interface Task extends Entries {
  readonly type: SourceType;
  /** Largest source, which also limits what an archive unpacks to. */
  readonly sourceBytes: number;
  readonly artifactBytes: number;
  readonly start?: StartOrder;
  readonly formerStart?: FormerStart;
  /** What serves handlers. */
  readonly adapters?: Adapters;
}

/** Work for a build worker that only unpacks. The body is the source. */
export interface UnpackTask {
  readonly unpack: SourceType;
  /** Most bytes of the files. */
  readonly mostBytes: number;
}

/** Work for a build worker after a failed start. The body is the artifact, a packed project. */
export interface AdviceTask {
  /** The log of the start. */
  readonly log: readonly string[];
}

export type AnyTask = Task | UnpackTask | AdviceTask;

/** Problems that a source can cause. */
export interface ReportedProblem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly extensions: ProblemExtensions;
}

/** Result of a task. */
export type Reply =
  | { readonly outcome: "ready" }
  /** The body is a module that needs nothing else. */
  | { readonly outcome: "module" }
  /** The body has the files of a project without its packages, for the resolver. */
  | {
      readonly outcome: "project";
      readonly entry: string;
      readonly roots: readonly string[];
      readonly settings?: Readonly<Record<string, unknown>>;
    }
  /** The body has the files of a program, encoded and gzipped. */
  | {
      readonly outcome: "program";
      readonly command: readonly string[];
      readonly executables: readonly string[];
      readonly needs: readonly Need[];
      readonly settings?: Readonly<Record<string, unknown>>;
    }
  /** The body has the files below `UNPACKED_FILES`, and `UNPACKED_MANIFEST` if there is one. */
  | { readonly outcome: "unpacked" }
  | { readonly outcome: "advice"; readonly text?: string }
  | (ReportedProblem & { readonly outcome: "problem" })
  /** esbuild crashed: out of memory, or out of stack. */
  | { readonly outcome: "collapse" }
  /** The worker is at fault, not the source. */
  | { readonly outcome: "fault"; readonly message: string };

/** Where the files of an unpacked source are in the body of the reply, and what their manifest says. */
export const UNPACKED_FILES = "files/";
export const UNPACKED_MANIFEST = "manifest.json";

/** First byte of what the resolver prints: a packed project follows, or a problem as JSON. */
export const PRINTED_PROJECT = "p";
export const PRINTED_PROBLEM = "e";
/** Exit code of the resolver for downloads that broke off. A retry continues with what is in the cache. */
export const BROKEN_DOWNLOAD = 75;

/** The argument of the resolver, as JSON. */
export interface ResolveOrder {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** Folder of the run, with `PROJECT_FILE`. */
  readonly folder: string;
  /** Path of the main module in the project. */
  readonly entry: string;
  /** Paths of the modules whose imports are installed, with the main module. */
  readonly roots: readonly string[];
  /** Hosts, as `host:port`, that modules may be imported from. */
  readonly importHosts: readonly string[];
  readonly artifactBytes: number;
}

/** File with the files of the project in the folder of a run. */
export const PROJECT_FILE = "project.pack";
