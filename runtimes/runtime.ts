/**
 * A runtime is one way from a source to an instance. Its `Builder` recognises and builds sources, for the manager. Its
 * `LaunchPlanner` says how what was built is launched, for platforms.
 */
import type { ProjectLaunch } from "../client-image/project/project-pack.ts";
import type { Artifact, Source } from "../platform/platform.ts";
import type { Runtime } from "../platform/settings/runtime.ts";
import type { Settings } from "../platform/settings/settings.ts";
import type { Need } from "./program/build/needs.ts";
import type { FormerStart, StartOrder } from "./start-order.ts";

export interface Builder {
  /** The most bytes that `unpack` reads, packed and unpacked. */
  readonly folderBytes: number;
  /**
   * Recognises what was posted by its bytes, and reads no more of it than that takes.
   * @throws Problem `invalid_source`, `source_too_large`
   */
  recognize(bytes: Uint8Array, options?: RecognizeOptions): Source;
  /**
   * Reads the files of a source, or of a folder with several functions, in another process and without building them.
   * @throws Problem `invalid_source`, `source_too_large`, `no_capacity`; the reason of `signal` if that aborts
   */
  unpack(source: Source, signal?: AbortSignal): Promise<Unpacked>;
  /** Whether a source becomes a module if it can be built. Quick: false if that takes more than a glance. */
  becomesModule(source: Source, runtime?: Runtime): boolean;
  /**
   * Builds a source into what an instance starts from, in another process.
   * @throws Problem `build_failed` with the places of the errors, `invalid_source`, `source_too_large`, `no_capacity` if
   *   too many builds wait, `invalid_setting` and `runtime_missing` for programs; the reason of `signal` if that aborts
   */
  build(source: Source, options?: BuildOptions): Promise<Built>;
  /** Says in a sentence what a failed start lacks, if its log leads to that. */
  adviseStart(artifact: Artifact, log: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** Creates the build folder and its programs. @throws Error for the operator if that fails */
  prepare(): Promise<void>;
  /** Starts what the first build would wait for. */
  warm(): Promise<void>;
  /** Ends builds under way and stops what they run in. */
  close(): Promise<void>;
}

export interface RecognizeOptions {
  /** The runtime that the deploy asks for, or that of the current version. Absent: nobody has said. */
  readonly runtime?: Runtime | undefined;
  /** By default the limit of a source. */
  readonly mostBytes?: number;
}

export interface BuildOptions extends Entries {
  readonly start?: StartOrder;
  /** The settings before this deploy. */
  readonly formerStart?: FormerStart;
  readonly signal?: AbortSignal;
}

/** Names the main module of an archive. Without any, the build finds it. */
export interface Entries {
  /**
   * Path of the main module, which overrides every file of the source that names one. Empty: the source determines it,
   * without `entry` of its `skiff.yaml`. Absent: `entry` of `skiff.yaml` counts, then `formerEntry`.
   */
  readonly entry?: string;
  /** Path of the main module unless the source has a `skiff.yaml` with an `entry`. Empty: the source determines it. */
  readonly formerEntry?: string;
}

export interface Built {
  readonly artifact: Artifact;
  /** What `skiff.yaml` of the source declares, unchecked. Depends on the source alone. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What a program needs installed where it runs. */
  readonly needs?: readonly Need[];
}

/** The files of a source. */
export interface Unpacked {
  /** Contents by path, without the folder around all of them and without what tools leave in an archive. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `skiff.yaml`, `skiff.yml` or `functions.yaml` at the root, which is one of `files` too. */
  readonly manifest?: ManifestFile;
}

/** A YAML file with the settings of functions, unchecked. */
export interface ManifestFile {
  readonly file: string;
  readonly text: string;
  /** JSON values only. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Line and column of each member and entry, from 1, by its JSON pointer. Absent for what an alias repeats. */
  readonly places: Readonly<Record<string, Place>>;
}

export type Place = readonly [line: number, column: number];

export interface LaunchPlanner {
  /** Paths on this machine. */
  readonly files: RuntimeFiles;
  /** Plans the launch of one instance. Pure. */
  plan(order: PlanOrder, paths: LaunchPaths): LaunchPlan;
}

/** What every instance of a runtime has besides its own code. */
export interface RuntimeFiles {
  /** The executable. */
  readonly binary: string;
  /** What the executable runs, which loads the artifact. */
  readonly program: string;
}

export interface PlanOrder {
  readonly name: string;
  readonly version: number;
  readonly settings: Settings;
  /** Values of the secrets by variable. They go into the input alone: files and command lines can be read by others. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Addresses of this machine besides loopback, which functions may not reach. */
  readonly ownAddresses: readonly string[];
  /** Starts what the runtime itself prints. The function cannot guess it, and so not forge that it is ready. */
  readonly nonce: string;
}

/** Where things are, as the instance sees them. */
export interface LaunchPaths {
  readonly files: RuntimeFiles;
  readonly artifact: {
    /** A module, or the folder of a project. */
    readonly path: string;
    /** Absent for a module. */
    readonly project?: ProjectLaunch;
  };
  /** Unix socket on which the instance has to listen. */
  readonly socket: string;
  /** Folder that the function may write to; absent: there is none. */
  readonly scratch?: string;
  /** The processes of the instance have process ids of their own. By default they share those of the machine. */
  readonly ownsProcesses?: boolean;
  /** Folder in which the runtime keeps what it compiled. */
  readonly cache: string;
}

export interface LaunchPlan {
  /** The program and its arguments, which limit what the function may do. */
  readonly command: readonly string[];
  /** All variables that the program gets. */
  readonly env: Readonly<Record<string, string>>;
  /** The current folder; by default the folder that the function may write to. */
  readonly cwd?: string;
  /** The first line that the program reads from its standard input. */
  readonly input: string;
  /** The line that it prints when it listens. Probes wait for their answers until it is ready. */
  readonly listeningLine: string;
  /** The line that it prints when its function has been loaded. */
  readonly readyLine: string;
  /** A further line of input, and the line that its event loop answers with while it turns. */
  readonly ping: string;
  readonly pongLine: string;
  /**
   * A further line of input, which ends the calls under way with `out_of_memory`, and then the instance. Absent: it ends
   * no calls by itself.
   */
  readonly outOfMemory?: string;
  /** The line that an instance with one call in its life prints when it has taken it. */
  readonly spentLine: string;
  /**
   * Explains a line that the program prints, in the words of Skiff; undefined for a line that no log shows. Absent: lines
   * stay as they are.
   */
  readonly explain?: (line: string) => string | undefined;
}
