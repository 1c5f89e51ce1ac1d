import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const START_MS = 20_000;

/** Output of Node about its inspector. */
const FROM_INSPECTOR = /^(?:Debugger |For help, see:).*\n/gm;

/** Runs Skiff like `npm start`, on a free port with a data folder of its own. */
export class SkiffProcess {
  readonly url: string;
  readonly pid: number;
  /** Address of its inspector, with the option `--inspect`. */
  readonly inspector: string | undefined;
  /** Its data folder. */
  readonly folder: string;
  /** The checkout that it runs. */
  readonly tree: string;
  readonly #child: ChildProcess;

  /** @param options options of Node @param tree the checkout to run; by default this one */
  static async start(
    env: Record<string, string> = {},
    options: readonly string[] = [],
    tree = fileURLToPath(new URL("../..", import.meta.url)),
  ): Promise<SkiffProcess> {
    const folder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
    const program = join(tree, "skiff.ts");
    const child = spawn(process.execPath, [...options, program, "--port", "0", "--data", folder], {
      cwd: tree,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let inspector: string | undefined;
    child.stderr.on("data", (chunk: Buffer) => {
      inspector ??= /ws:\S+/.exec(chunk.toString())?.[0];
      process.stderr.write(chunk.toString().replace(FROM_INSPECTOR, ""));
    });
    const url = await new Promise<string>((resolve, reject) => {
      let text = "";
      const deadline = setTimeout(() => reject(new Error(`Skiff did not start:\n${text}`)), START_MS);
      child.once("exit", (code) => reject(new Error(`Skiff exited with code ${code}:\n${text}`)));
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk;
        const match = /listens on (http:\S+)/.exec(text);
        if (!match) return;
        clearTimeout(deadline);
        child.removeAllListeners("exit");
        child.stdout.removeAllListeners("data").resume();
        resolve(match[1]!);
      });
    });
    return new SkiffProcess(child, { url, folder, tree, inspector });
  }

  private constructor(
    child: ChildProcess,
    { url, folder, tree, inspector }: Pick<SkiffProcess, "url" | "folder" | "tree" | "inspector">,
  ) {
    this.url = url;
    this.inspector = inspector;
    this.folder = folder;
    this.tree = tree;
    this.#child = child;
    this.pid = child.pid!;
  }

  /** Deploys a source; `settings` is a query string. */
  async deploy(name: string, source: string, settings = ""): Promise<void> {
    const response = await fetch(`${this.url}/func?name=${name}&${settings}`, {
      method: "POST",
      body: source,
    });
    if (!response.ok) throw new Error(`deploy of ${name}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  async remove(name: string): Promise<void> {
    const response = await fetch(`${this.url}/func/${name}`, { method: "DELETE" });
    if (!response.ok) throw new Error(`removal of ${name}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  async describe(name: string): Promise<{ instances: { state: string }[]; ready: number }> {
    const response = await fetch(`${this.url}/func/${name}`);
    return (await response.json()) as { instances: { state: string }[]; ready: number };
  }

  /** Waits until the idle function has no process. */
  async stopped(name: string): Promise<void> {
    const deadline = Date.now() + 20_000;
    while ((await this.describe(name)).instances.length > 0) {
      if (Date.now() > deadline) throw new Error(`${name} did not go back to zero`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resident memory of the platform's process in MiB. */
  memoryMiB(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** Number of processes that the platform has started and that run. */
  children(): number {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim();
    return text === "" ? 0 : text.split(" ").length;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
