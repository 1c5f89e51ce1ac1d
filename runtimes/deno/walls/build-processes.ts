import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Limits } from "../../../platform/limits.ts";
import { highestInherited } from "../../../process/sandbox/spawn.ts";
import { findTools } from "../../../process/sandbox/tools.ts";
import { BuildWorker } from "../build/build-worker.ts";
import { BUNDLE_PER_SOURCE } from "../build/tasks.ts";
import type { BuildFolder } from "./build-folder.ts";
import { BuildProcess } from "./build-process.ts";
import { type WallKind, type WallProfile, walledCommand } from "./build-wall.ts";

export interface ProcessesOptions {
  readonly folder: BuildFolder;
  readonly limits: Limits;
  /** Path of the Deno binary. */
  readonly deno: string;
  /** The platform's environment, of which only how to reach registries goes on to Deno. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hosts that Deno may import from, as `host:port`. */
  readonly importHosts: readonly string[];
}

export interface DenoRun {
  /** Folder with the module, `main.js`. */
  readonly folder: string;
  /** Deno's cache. */
  readonly cache: string;
  /** File that takes what is printed. */
  readonly output: number;
}

const DENO_PROGRAM = fileURLToPath(new URL("../build/deno-bundle.js", import.meta.url));
/** The module in a run's folder. */
export const ENTRY = "main.js";

/** How registries are reached: proxies, certificates, registries instead of the public ones. */
const PASSED_ON = [
  ...["NPM_CONFIG_REGISTRY", "JSR_URL", "DENO_TLS_CA_STORE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"],
  ...["NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
];
/** Of these the values are paths, which have to be there. */
const PASSED_ON_PATHS = ["DENO_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

/** How names and certificates are looked up. */
const NETWORK_FILES = [
  ...["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ssl", "/etc/pki"],
  ...["/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"],
];

const MIB = 1024;
/** What V8 maps for writing without using it, in KiB: 550 MiB in a process that does nothing. */
const V8_KIB = 640 * MIB;
/** A printed bundle has the texts of all modules in its map, which Base64 makes longer by a third. */
const PRINTED_PER_BUNDLE = 3;

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

  /** Longest bundle, in bytes. */
  get outputBytes(): number {
    return this.#options.limits.sourceBytes * BUNDLE_PER_SOURCE;
  }

  /** A worker: it reads no file but its own program, and has neither a folder nor a network. */
  startWorker(): BuildWorker {
    const { folder, limits } = this.#options;
    const inside = this.#inside("/wall/worker.cjs", folder.workerProgram);
    const node = this.#inside("/wall/node", process.execPath);
    const esbuild = this.#inside("/wall/esbuild", folder.esbuild);
    const starter = this.#inside("/wall/esbuild.sh", folder.esbuildStarter);
    const memoryMiB = Math.ceil(limits.buildMemoryBytes / 1024 ** 2);
    const mostBodyBytes = limits.sourceBytes + PRINTED_PER_BUNDLE * this.outputBytes;
    const program = [
      ...[node.path, `--max-old-space-size=${Math.ceil(memoryMiB * 0.6)}`, "--no-warnings"],
      ...[inside.path, String(mostBodyBytes)],
    ];
    // esbuild's own limit is hard: a hostile source fills its memory at some GiB a second.
    const esbuildMiB = Math.max(128, Math.floor(memoryMiB * 0.875));
    const env = {
      ESBUILD_BINARY_PATH: starter.path,
      ESBUILD: esbuild.path,
      ESBUILD_KIB: String(esbuildMiB * MIB),
      ESBUILD_WORKER_THREADS: "0",
      // Half the garbage that Go would keep: a limit near the end makes it collect all the time instead.
      GOGC: "50",
      GOTRACEBACK: "none",
      UV_THREADPOOL_SIZE: "1",
    };
    const readable = Object.fromEntries([inside, node, esbuild, starter].map(({ path, of }) => [path, of]));
    const profile: WallProfile = {
      tools: this.#tools,
      readable: { ...readable, "/bin/sh": "/bin/sh" },
      writable: {},
      network: false,
      env,
      cwd: this.wall === "none" ? folder.empty : "/",
      root: folder.empty,
      limits: { dataKiB: V8_KIB + memoryMiB * MIB, fileKiB: 1 },
    };
    return new BuildWorker(this.#start(profile, program), this.outputBytes);
  }

  /** Deno's bundler: it reads and writes the run's folder and its cache, and has the network. */
  startDeno({ folder, cache, output }: DenoRun): BuildProcess {
    const { deno, importHosts, env } = this.#options;
    const [run, dir] = [this.#inside("/builds/run", folder), this.#inside("/deno", cache)];
    const [binary, bundler] = [
      this.#inside("/wall/deno", deno),
      this.#inside("/wall/deno-bundle.js", DENO_PROGRAM),
    ];
    const allowed = [...importHosts, ...registryHosts(env.JSR_URL)];
    const program = [
      ...[binary.path, "run", "--quiet", "--unstable-bundle", "--no-prompt", "--no-config", "--no-lock"],
      ...["--node-modules-dir=none", `--allow-read=${run.path},${dir.path}`],
      ...[`--allow-import=${allowed.join(",")}`, bundler.path, join(run.path, ENTRY)],
    ];
    const profile = this.#outsideProfile({
      readable: { [binary.path]: deno, [bundler.path]: DENO_PROGRAM },
      writable: { [run.path]: folder, [dir.path]: cache },
      cwd: run.path,
      env: {
        HOME: run.path,
        TMPDIR: run.path,
        DENO_DIR: dir.path,
        NO_COLOR: "1",
        DENO_NO_PROMPT: "1",
        DENO_NO_UPDATE_CHECK: "1",
        DENO_NO_PACKAGE_JSON: "1",
        ...passedOn(env),
      },
    });
    return this.#start(profile, program, output);
  }

  /** A process that ends with 0 if the wall of Deno's runs can be had. */
  startProbe(): BuildProcess {
    const { folder } = this.#options;
    const [node, builds] = [
      this.#inside("/wall/node", process.execPath),
      this.#inside("/builds/run", folder.builds),
    ];
    const profile = this.#outsideProfile({
      readable: { [node.path]: process.execPath },
      writable: { [builds.path]: folder.builds },
      cwd: builds.path,
      env: {},
    });
    return this.#start(profile, [node.path, "--version"]);
  }

  #outsideProfile(own: Pick<WallProfile, "readable" | "writable" | "cwd" | "env">): WallProfile {
    const { limits, env, folder } = this.#options;
    const certificates = PASSED_ON_PATHS.flatMap((name) => env[name] ?? []);
    const shared = Object.fromEntries([...NETWORK_FILES, ...certificates].map((path) => [path, path]));
    return {
      ...own,
      tools: this.#tools,
      readable: { ...shared, ...own.readable },
      network: true,
      root: folder.empty,
      limits: {
        dataKiB: V8_KIB + Math.ceil(limits.buildMemoryBytes / 1024),
        fileKiB: Math.ceil((PRINTED_PER_BUNDLE * this.outputBytes) / 1024),
      },
    };
  }

  /** A path of the machine, and what it is called behind the wall. */
  #inside(path: string, of: string): { path: string; of: string } {
    return { path: this.wall === "none" ? of : path, of };
  }

  #start(profile: WallProfile, program: readonly string[], output?: number): BuildProcess {
    const isOpen = this.wall === "none";
    return new BuildProcess(walledCommand(this.wall, profile, program), {
      cwd: isOpen ? profile.cwd : this.#options.folder.directory,
      env: isOpen ? { PATH: "/usr/bin:/bin", ...profile.env } : {},
      output,
      inherited: this.#inherited,
    });
  }
}

function passedOn(env: ProcessesOptions["env"]): Record<string, string> {
  const passed: Record<string, string> = {};
  // npm tells the programs that it starts which registry it uses, in lower case.
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
