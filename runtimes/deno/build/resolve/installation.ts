import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Problem } from "../../../../platform/problems.ts";
import { type BrokenDownload, explainFailure, failedRemoteModule } from "./explain.ts";
import { checkGraph, type Graph, placeOfModule } from "./graph.ts";
import { laterModules } from "./later-modules.ts";

export interface InstallationOptions {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** Folder of the project. */
  readonly root: string;
  /** Path of the main module. */
  readonly entry: string;
  /** Paths of the modules whose imports are installed, with the main module. */
  readonly roots: readonly string[];
  readonly importHosts: readonly string[];
}

type Files = ReadonlyMap<string, Uint8Array>;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Modules that are tried one by one if they cannot be installed together. */
const MOST_TRIED = 20;
const STDERR_KEPT = 100_000;
/** Shells report a signal as an exit code above this value. */
const FIRST_SIGNAL_EXIT = 128;
const LOCK = "deno.lock";
const EMPTY_LOCK = '{"version":"5"}\n';

/** Installs what a project imports into its folder: packages into `node_modules`, remote modules into `vendor`. */
export class Installation {
  readonly #options: InstallationOptions;

  constructor(options: InstallationOptions) {
    this.#options = options;
  }

  /**
   * @param files of the project as posted
   * @throws Problem `build_failed` with the place of the import; BrokenDownload
   */
  async run(files: Files): Promise<void> {
    const { entry, root, roots } = this.#options;
    // Deno writes none for a project that imports nothing from outside.
    if (!files.has(LOCK)) writeFileSync(join(root, LOCK), EMPTY_LOCK);
    const installed = await this.#install(roots);
    if (installed.code !== 0) throw await this.#explain(installed.stderr, files);
    const graph = await this.#graph(files);
    checkGraph(graph, { root, entry, files });
    const known = new Set(graph.modules.map(({ specifier }) => specifier));
    const later = laterModules(files).filter((path) => !known.has(this.#urlOf(path)));
    if (later.length === 0) return;
    // They may be of no use to the function: what cannot be installed fails when it is imported.
    if ((await this.#install([...roots, ...later])).code === 0) return;
    for (const path of later.slice(0, MOST_TRIED)) await this.#install([...roots, path]);
  }

  /** Reads the graph of the main module. */
  async #graph(files: Files): Promise<Graph> {
    const { entry, root } = this.#options;
    const { code, stdout, stderr } = await this.#deno(["info", "--json", ...this.#shared(), `./${entry}`]);
    if (code !== 0) throw explainFailure(stderr, { root, entry, files });
    return JSON.parse(stdout) as Graph;
  }

  async #explain(stderr: string, files: Files): Promise<Problem | BrokenDownload> {
    const { entry, root } = this.#options;
    const project = { root, entry, files };
    const url = failedRemoteModule(stderr);
    if (url === undefined) return explainFailure(stderr, project);
    return explainFailure(stderr, project, placeOfModule(await this.#graph(files), url, project));
  }

  #install(entries: readonly string[]): Promise<Outcome> {
    const modules = entries.map((path) => `./${path}`);
    return this.#deno(["install", "--quiet", ...this.#shared(), "--entrypoint", ...modules]);
  }

  #shared(): string[] {
    const hosts = this.#options.importHosts.join(",");
    const layout = ["--node-modules-dir=manual", "--node-modules-linker=hoisted", "--vendor"];
    // Deno would look for another configuration beside the entry.
    return [...layout, "--config=deno.json", `--lock=${LOCK}`, `--allow-import=${hosts}`];
  }

  async #deno(args: readonly string[]): Promise<Outcome> {
    const { deno, root } = this.#options;
    const child = spawn(deno, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const text = Buffer.concat(stderr).toString().slice(0, STDERR_KEPT);
    // Not a judgement of Deno about the project: it ran out of memory, of stack, or of the size of a file.
    if (code === null) process.exit(FIRST_SIGNAL_EXIT + constants.signals[signal!]);
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: text };
  }

  #urlOf(path: string): string {
    return pathToFileURL(join(this.#options.root, path)).href;
  }
}
