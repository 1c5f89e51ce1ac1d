import type { Limits } from "../../../platform/limits.ts";
import { highestInherited } from "../../../process/sandbox/spawn.ts";
import { findTools } from "../../../process/sandbox/tools.ts";
import { BuildWorker } from "../build/build-worker.ts";
import { ARTIFACT_PER_SOURCE, type ResolveOrder } from "../build/tasks.ts";
import type { BuildFolder } from "./build-folder.ts";
import { BuildProcess } from "./build-process.ts";
import { type WallKind, type WallProfile, walledCommand } from "./build-wall.ts";

export interface ProcessesOptions {
  readonly folder: BuildFolder;
  readonly limits: Limits;
  /** Path of the Deno binary. */
  readonly deno: string;
  /** Environment of the platform. Resolvers get only what says how registries are reached. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hosts that Deno may import from, as `host:port`. */
  readonly importHosts: readonly string[];
}

export interface ResolverRun {
  /** Folder with the project. */
  readonly folder: string;
  /** Path of the main module in the project. */
  readonly entry: string;
  /** Paths of the modules whose imports are installed, with the main module. */
  readonly roots: readonly string[];
  /** Deno's cache. */
  readonly cache: string;
  /** Descriptor of a file for the output. */
  readonly output: number;
}

/** Variables that say how registries are reached: proxies, certificates, other registries. */
const PASSED_ON = [
  ...["NPM_CONFIG_REGISTRY", "JSR_URL", "DENO_TLS_CA_STORE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"],
  ...["NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
];
/** The same, with paths as values, which Deno has to be able to read. */
const PASSED_ON_PATHS = ["DENO_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

/** Files for the resolution of names and for certificates. */
const NETWORK_FILES = [
  ...["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ssl", "/etc/pki"],
  ...["/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"],
];

const MIB = 1024;
/** What V8 maps for writing without using it: 550 MiB in an idle process. */
const V8_KIB = 640 * MIB;
/** Largest file that a resolver writes, in artifacts: a packed project is smaller than its files. */
const FILE_PER_ARTIFACT = 3;

/** Starts the processes of builds, behind the wall that this machine has. */
export class BuildProcesses {
  readonly #options: ProcessesOptions;
  readonly wall: WallKind;
  readonly #tools = findTools();
  readonly #inherited = highestInherited();

  constructor(options: ProcessesOptions, wall: WallKind) {
    this.#options = options;
    this.wall = wall;
  }

  /** Size of the largest artifact, in bytes. */
  get artifactBytes(): number {
    return this.#options.limits.sourceBytes * ARTIFACT_PER_SOURCE;
  }

  /** Starts a worker. It reads no file but its own program, and has neither a folder nor a network. */
  startWorker(): BuildWorker {
    const { folder, limits } = this.#options;
    const readable = {
      "/wall/node": process.execPath,
      "/wall/worker.cjs": folder.workerProgram,
      "/wall/esbuild": folder.esbuild,
      "/wall/esbuild.sh": folder.esbuildStarter,
      "/bin/sh": "/bin/sh",
    };
    const at = this.#seen(readable);
    const memoryMiB = Math.ceil(limits.buildMemoryBytes / 1024 ** 2);
    const mostBodyBytes = this.artifactBytes;
    const program = [
      ...[at["/wall/node"], `--max-old-space-size=${Math.ceil(memoryMiB * 0.6)}`, "--no-warnings"],
      ...[at["/wall/worker.cjs"], String(mostBodyBytes)],
    ];
    // The limit of esbuild is hard: a hostile source fills its memory at some GiB a second.
    const esbuildMiB = Math.max(128, Math.floor(memoryMiB * 0.875));
    const env = {
      ESBUILD_BINARY_PATH: at["/wall/esbuild.sh"],
      ESBUILD: at["/wall/esbuild"],
      ESBUILD_KIB: String(esbuildMiB * MIB),
      ESBUILD_WORKER_THREADS: "0",
      // Half the garbage that Go would keep. With a soft limit it would collect all the time near that.
      GOGC: "50",
      GOTRACEBACK: "none",
      UV_THREADPOOL_SIZE: "1",
    };
    const cwd = this.wall === "none" ? folder.empty : "/";
    const limited = { dataKiB: V8_KIB + memoryMiB * MIB, fileKiB: 1 };
    const profile = { readable, writable: {}, network: false, env, cwd, limits: limited };
    return new BuildWorker(this.#start(profile, program), this.artifactBytes);
  }

  /**
   * Starts the program that resolves the imports of a project with Deno. It reads and writes the run's folder and its cache,
   * and has the network.
   */
  startResolver({ folder, entry, roots, cache, output }: ResolverRun): BuildProcess {
    const { deno, importHosts, env, folder: own } = this.#options;
    const readable = {
      "/wall/deno": deno,
      "/wall/node": process.execPath,
      "/wall/resolver.cjs": own.resolverProgram,
    };
    const writable = { "/builds/run": folder, "/deno": cache };
    const at = this.#seen({ ...readable, ...writable });
    const [run, dir] = [at["/builds/run"], at["/deno"]];
    const order: ResolveOrder = {
      deno: at["/wall/deno"],
      folder: run,
      entry,
      roots,
      importHosts: [...importHosts, ...registryHosts(env.JSR_URL)],
      artifactBytes: this.artifactBytes,
    };
    const program = [at["/wall/node"], "--no-warnings", at["/wall/resolver.cjs"], JSON.stringify(order)];
    const variables = {
      ...{ HOME: run, TMPDIR: run, DENO_DIR: dir, NO_COLOR: "1", DENO_NO_PROMPT: "1" },
      ...{ DENO_NO_UPDATE_CHECK: "1" },
      ...passedOn(env),
    };
    return this.#startOutside({ readable, writable, cwd: run, env: variables }, program, output);
  }

  /** Starts a process that ends with 0 if the wall of Deno's runs works here. */
  startProbe(): BuildProcess {
    const readable = { "/wall/node": process.execPath };
    const writable = { "/builds/run": this.#options.folder.builds };
    const at = this.#seen({ ...readable, ...writable });
    const own = { readable, writable, cwd: at["/builds/run"], env: {} };
    return this.#startOutside(own, [at["/wall/node"], "--version"]);
  }

  /** Starts a process that has the network. */
  #startOutside(
    own: Pick<WallProfile, "readable" | "writable" | "cwd" | "env">,
    program: readonly string[],
    output?: number,
  ): BuildProcess {
    const { limits, env } = this.#options;
    const certificates = PASSED_ON_PATHS.flatMap((name) => env[name] ?? []);
    const shared = Object.fromEntries([...NETWORK_FILES, ...certificates].map((path) => [path, path]));
    const limited = {
      dataKiB: V8_KIB + Math.ceil(limits.buildMemoryBytes / 1024),
      fileKiB: Math.ceil((FILE_PER_ARTIFACT * this.artifactBytes) / 1024),
    };
    const readable = { ...shared, ...own.readable };
    return this.#start({ ...own, readable, network: true, limits: limited }, program, output);
  }

  /** Where the program sees files of the machine, which are given by their path behind the wall. */
  #seen<P extends string>(paths: Readonly<Record<P, string>>): Readonly<Record<P, string>> {
    if (this.wall === "none") return paths;
    return Object.fromEntries(Object.keys(paths).map((path) => [path, path])) as Record<P, string>;
  }

  #start(
    profile: Omit<WallProfile, "tools" | "root">,
    program: readonly string[],
    output?: number,
  ): BuildProcess {
    const { empty, directory } = this.#options.folder;
    const isOpen = this.wall === "none";
    const whole = { ...profile, tools: this.#tools, root: empty };
    return new BuildProcess(walledCommand(this.wall, whole, program), {
      cwd: isOpen ? profile.cwd : directory,
      env: isOpen ? { PATH: "/usr/bin:/bin", ...profile.env } : {},
      output,
      inherited: this.#inherited,
    });
  }
}

function passedOn(env: ProcessesOptions["env"]): Record<string, string> {
  const passed: Record<string, string> = {};
  // npm passes the registry that it uses to its programs in lower case.
  const registry = env.NPM_CONFIG_REGISTRY ?? env.npm_config_registry;
  for (const [name, value] of Object.entries({ ...env, NPM_CONFIG_REGISTRY: registry })) {
    if (value && (PASSED_ON.includes(name) || PASSED_ON_PATHS.includes(name))) passed[name] = value;
  }
  return passed;
}

function registryHosts(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  return [`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
}
