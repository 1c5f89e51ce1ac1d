import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Problem } from "../../../../platform/problems.ts";
import { type Outcome, runDeno } from "./deno-command.ts";
import { type BrokenDownload, explainFailure, failedRemoteModule } from "./explain.ts";
import { addFurtherPackages } from "./further-packages.ts";
import { checkGraph, type Graph, placeOfModule } from "./graph.ts";
import { laterModules } from "./later-modules.ts";
import { upgradeLock } from "./upgrade-lock.ts";

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

/** Modules that are tried one by one if they cannot be installed together. */
const MOST_TRIED = 20;
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
    await addFurtherPackages(this.#options);
    const graph = await this.#graph(files);
    checkGraph(graph, { root, entry, files });
    const known = new Set(graph.modules.map(({ specifier }) => specifier));
    const lock = join(root, LOCK);
    const later = laterModules(files).filter((path) => !known.has(this.#urlOf(path)));
    if (later.length > 0) {
      await this.#installLater(later);
      await addFurtherPackages(this.#options);
    }
    writeFileSync(lock, upgradeLock(readFileSync(lock, "utf8")));
  }

  /** They may be of no use to the function: what cannot be installed fails when it is imported. */
  async #installLater(later: readonly string[]): Promise<void> {
    const { roots } = this.#options;
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

  #deno(args: readonly string[]): Promise<Outcome> {
    const { deno, root } = this.#options;
    return runDeno({ deno, folder: root }, args);
  }

  #urlOf(path: string): string {
    return pathToFileURL(join(this.#options.root, path)).href;
  }
}
