/** `deno`: TypeScript and JavaScript. `program`: anything that the system can run. `image`: a container image. */
export type Runtime = (typeof RUNTIMES)[number];
export const RUNTIMES = ["deno", "program", "image"] as const;

/** `instance`: an instance serves many calls. `call`: it serves one, and is destroyed. */
export type IsolationSetting = (typeof ISOLATIONS)[number];
export const ISOLATIONS = ["instance", "call"] as const;

/** `call`: a call starts the program. `serve`: an instance starts it, and it answers calls over HTTP. */
export type ProgramMode = (typeof PROGRAM_MODES)[number];
export const PROGRAM_MODES = ["call", "serve"] as const;

/** Absent members have defaults that depend on the source. */
export interface ProgramSettings {
  /** Program and arguments. Absent: the source decides: its `#!` line, its ELF header, an executable `main`, or the image. */
  readonly command?: readonly string[];
  /** Absent: `call` for programs, `serve` for images. */
  readonly mode?: ProgramMode;
  /** The first lines of the output are a status and headers, as CGI has them (RFC 3875, section 6). */
  readonly cgi?: boolean;
  /** `file.function` of a handler `(event, context)` as Kubeless has them, for Node and Python. */
  readonly handler?: string;
}

/** The settings that say what is started and how. */
export interface StartSettings {
  /** What runs the function. */
  readonly runtime: Runtime;
  /** How a program, or the program of an image, is run. Empty for Deno. */
  readonly program: ProgramSettings;
  /** `call`: each call has an instance that nothing else ever sees. */
  readonly isolation: IsolationSetting;
  /** With `isolation: call`: unused instances that are kept ready while the function is awake. */
  readonly pool: number;
  /** RuntimeClass of its pods, such as `gvisor`. Kubernetes only; empty: that of the cluster. */
  readonly runtimeClass: string;
  /** Secret with which its image is pulled, of the form `user:password`; empty: none. */
  readonly pullSecret: string;
}

export const START_DEFAULTS: StartSettings = {
  runtime: "deno",
  program: {},
  isolation: "instance",
  pool: 1,
  runtimeClass: "",
  pullSecret: "",
};

/** The members of `StartSettings`. */
export const START_NAMES = Object.keys(START_DEFAULTS) as (keyof StartSettings)[];

/** Returns the mode in which the program of a function runs; undefined for Deno. The adapters of handlers serve. */
export function modeOf({
  runtime,
  program,
}: Pick<StartSettings, "runtime" | "program">): ProgramMode | undefined {
  if (runtime === "deno") return undefined;
  return program.mode ?? (runtime === "image" || program.handler !== undefined ? "serve" : "call");
}

/** What routers must know of a version to place its calls. */
export interface Placing {
  readonly concurrency: number;
  /** Each instance takes one call in its life. */
  readonly isOnce?: true;
  /** The instances are servers of somebody else, which know nothing of Skiff. */
  readonly isForeign?: true;
}

/** Returns how calls are placed on the instances of a version. */
export function placingOf(settings: {
  readonly concurrency: number;
  readonly mode?: ProgramMode | undefined;
  readonly isolation?: IsolationSetting | undefined;
}): Placing {
  // The program host stands before a server that may take one call only.
  if (settings.isolation === "call") return { concurrency: 1, isOnce: true };
  const { concurrency } = settings;
  return settings.mode === "serve" ? { concurrency, isForeign: true } : { concurrency };
}

/** Returns those of the settings that differ from their default, in a fixed order. */
export function startedBy(settings: StartSettings): Partial<StartSettings> {
  const { runtime, program, isolation, pool, runtimeClass, pullSecret } = settings;
  return {
    ...(runtime === "deno" ? {} : { runtime }),
    ...(Object.keys(program).length === 0 ? {} : { program: sorted(program) }),
    ...(isolation === "instance" ? {} : { isolation }),
    ...(pool === 1 ? {} : { pool }),
    ...(runtimeClass === "" ? {} : { runtimeClass }),
    ...(pullSecret === "" ? {} : { pullSecret }),
  };
}

/** Returns other settings than these. */
export function withoutStart<T extends StartSettings>(settings: T): Omit<T, keyof StartSettings> {
  const rest = Object.entries(settings).filter(([name]) => !Object.hasOwn(START_DEFAULTS, name));
  return Object.fromEntries(rest) as unknown as Omit<T, keyof StartSettings>;
}

function sorted(record: ProgramSettings): ProgramSettings {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
