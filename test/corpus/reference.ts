import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";
import { eventually } from "../support/eventually.ts";
import { networkEnvironment } from "../support/network-environment.ts";
import { type Answer, answersOf } from "./answers.ts";
import type { CorpusEntry } from "./entry.ts";

/** Downloads included. */
const START_MS = 200_000;
const CALLER = "call-default.ts";
/** Serves the function that a module exports, with the results that docs/functions.md lists. */
const callerOf = (main: string) => `
import handler from "./${main}";
const answer = (value: unknown): Response => {
  if (value instanceof Response) return value;
  if (value === undefined || value === null) return new Response(null, { status: 204 });
  if (typeof value === "string" || value instanceof Blob || value instanceof FormData || value instanceof URLSearchParams) {
    return new Response(value);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof ReadableStream) {
    return new Response(value as BodyInit, { headers: { "content-type": "application/octet-stream" } });
  }
  return Response.json(value);
};
Deno.serve(async (request, info) => answer(await handler(request, info)));
`;

/** Deno on this machine with every permission, as a user starts it. */
export class Reference {
  readonly #folder: string;
  /** Ports that were given to entries. One of them may not listen on its own yet. */
  readonly #ports = new Set<number>();

  /** @param folder for caches and for the projects */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts an entry in a folder of its own and sends its requests. */
  async answers(entry: CorpusEntry): Promise<Answer[]> {
    const root = mkdtempSync(join(this.#folder, "project-"));
    const port = await this.#freePort();
    write(root, entry, port);
    const env = this.#environment(entry, port);
    if (hasDependencies(entry))
      await promisify(execFile)(denoPath(), ["install", "--quiet"], { cwd: root, env });
    const child = spawn(denoPath(), argumentsOf(entry, port), {
      cwd: root,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    }
    try {
      await eventually("Deno serves", () => isListening(child, port), START_MS);
      return await answersOf(`http://127.0.0.1:${port}`, entry.requests);
    } catch (error) {
      throw new Error(`Deno: ${error instanceof Error ? error.message : error}\n${output}`);
    } finally {
      if (child.exitCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(root, { recursive: true, force: true });
    }
  }

  async #freePort(): Promise<number> {
    for (;;) {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, "close");
      if (this.#ports.has(port)) continue;
      this.#ports.add(port);
      return port;
    }
  }

  #environment({ settings, files }: CorpusEntry, port: number): Record<string, string> {
    const declared = new URLSearchParams(settings).getAll("env").map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    // Like the port of DENO_SERVE_ADDRESS, a port in the source is one that is free.
    const address = namesPort(files) ? {} : { DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` };
    const common = { DENO_DIR: join(this.#folder, "deno"), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
    return { ...networkEnvironment(), ...common, ...address, ...Object.fromEntries(declared) };
  }
}

const PORT = /\b3000\b/g;

function namesPort(files: CorpusEntry["files"]): boolean {
  return Object.values(files).some((file) => typeof file === "string" && file.search(PORT) >= 0);
}

function write(root: string, { files, main, deno }: CorpusEntry, port: number): void {
  const all = deno === "call" ? { ...files, [CALLER]: callerOf(main) } : files;
  for (const [path, file] of Object.entries(all)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), typeof file === "string" ? file.replaceAll(PORT, String(port)) : file);
  }
}

function argumentsOf({ deno, flags, main }: CorpusEntry, port: number): string[] {
  if (deno === "serve") return ["serve", "-A", ...flags, "--host=127.0.0.1", `--port=${port}`, main];
  return ["run", "-A", ...flags, deno === "call" ? CALLER : main];
}

/** Deno takes packages of a package.json from `node_modules`. */
function hasDependencies({ files }: CorpusEntry): boolean {
  const manifest = files["package.json"];
  return typeof manifest === "string" && manifest.includes('"dependencies"');
}

async function isListening(child: ChildProcess, port: number): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`);
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // Not yet.
  } finally {
    socket.destroy();
  }
}
