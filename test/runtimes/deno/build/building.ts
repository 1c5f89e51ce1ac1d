import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { type ZipOptions, zipSync } from "fflate";
import { type Header, pack } from "tar-stream";
import {
  bodyOf,
  decodeFiles,
  launchOf,
  type ProjectFiles,
  type ProjectLaunch,
} from "../../../../client-image/project/project-pack.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import type { Artifact } from "../../../../platform/platform.ts";
import { Problem, type ProblemCode } from "../../../../platform/problems.ts";
import { defaultSettings } from "../../../../platform/settings/settings.ts";
import { type BuilderOptions, createBuilder } from "../../../../runtimes/deno/build/builder.ts";
import { recognizeSource } from "../../../../runtimes/deno/build/source.ts";
import { denoPath } from "../../../../runtimes/deno/deno-binary.ts";
import { denoRunArguments, programArguments } from "../../../../runtimes/deno/deno-flags.ts";

export const limits = limitsFromEnv({});
const CLOSED = { ...defaultSettings(limits), permissions: { net: [], sys: [] } };

/** Prints what the main module exports, once it is loaded. */
const PRINTING = `addEventListener("load", async () => {
  console.log(JSON.stringify({ ...await import(Deno.mainModule) }));
});`;
const RUN_MS = 20_000;

/** A builder with a folder of its own, for the tests of one file. */
export async function startBuilder(options: Partial<BuilderOptions> = {}) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "skiff-build-")));
  const directory = options.directory ?? join(folder, "builder");
  const builder = createBuilder({ deno: denoPath(), directory, limits, ...options });
  let artifacts = 0;
  const build = async (source: string | Uint8Array, signal?: AbortSignal): Promise<Artifact> => {
    const bytes = typeof source === "string" ? Buffer.from(source) : source;
    const recognized = recognizeSource(bytes, options.limits ?? limits);
    return (await builder.build(recognized, signal ? { signal } : {})).artifact;
  };
  /** Writes an artifact as a platform does, and returns where it is. */
  const write = async ({ code }: Artifact): Promise<{ path: string; project?: ProjectLaunch }> => {
    const path = join(folder, `artifact-${++artifacts}`);
    const project = launchOf(code);
    if (project === undefined) {
      await writeFile(`${path}.mjs`, code);
      return { path: `${path}.mjs` };
    }
    for (const [name, bytes] of filesOf(code)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), bytes);
    }
    return { path, project };
  };
  /** Runs an artifact in Deno with the flags of an instance that may reach nothing. */
  const execute = async (artifact: Artifact, preload = ""): Promise<Output> => {
    const placed = await write(artifact);
    const program = join(folder, `preload-${artifacts}.mjs`);
    await writeFile(program, preload);
    const listen = { unix: join(folder, "sock") };
    const flags = denoRunArguments({ settings: CLOSED, artifact: placed, listen, ownAddresses: [] });
    // The runtime imports a module, which is not Deno's main module, by a path that Deno does not see.
    const importing = join(folder, "importing.mjs");
    await writeFile(importing, "await import(Deno.args[0]);");
    const main = placed.project
      ? programArguments(program, placed)
      : [importing, pathToFileURL(placed.path).href];
    const args = [...flags, ...main];
    const { JSR_URL } = options.env ?? {};
    const env = { DENO_DIR: join(folder, "run"), NO_COLOR: "1", ...(JSR_URL ? { JSR_URL } : {}) };
    const cwd = placed.project ? placed.path : folder;
    return await promisify(execFile)(denoPath(), args, { cwd, env, timeout: RUN_MS }).catch((error) => error);
  };
  return {
    builder,
    directory,
    folder,
    build,
    execute,
    /** Builds, and returns what it exports: that of a project as JSON, which has no functions. */
    async load(source: string | Uint8Array): Promise<Record<string, unknown>> {
      const artifact = await build(source);
      if (artifact.kind === "module") return await import(pathToFileURL((await write(artifact)).path).href);
      const { stdout, stderr } = await execute(artifact, PRINTING);
      assert.match(stdout, /^\{/, stderr);
      return JSON.parse(stdout);
    },
    /** Builds, and runs the artifact. */
    async run(source: string | Uint8Array): Promise<Output> {
      return await execute(await build(source));
    },
    async close(): Promise<void> {
      await builder.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** The files of a packed project. */
export function filesOf(code: Uint8Array): ProjectFiles {
  return decodeFiles(gunzipSync(bodyOf(code)));
}

/** All that an artifact holds, as text: a module with its source map, or the paths and contents of a project. */
export function textOf({ kind, code }: Artifact): string {
  if (kind === "project")
    return [...filesOf(code)].map(([path, bytes]) => `${path}\n${Buffer.from(bytes)}`).join("\n");
  const text = new TextDecoder().decode(code);
  const map = /base64,([\w+/=]+)\s*$/.exec(text)?.[1] ?? "";
  return text + Buffer.from(map, "base64").toString();
}

export type TestBuilder = Awaited<ReturnType<typeof startBuilder>>;

/** Asserts that `work` fails with this code, and returns the problem. */
export async function problemOf(work: Promise<unknown>, code: ProblemCode): Promise<Problem> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Problem, `expected ${code}, got ${String(outcome)}`);
  assert.equal(outcome.code, code, outcome.detail);
  return outcome;
}

export type TarEntry = Partial<Header> & { name: string; text?: string };

export async function tarOf(entries: readonly TarEntry[] | Record<string, string>): Promise<Buffer> {
  const list = Array.isArray(entries)
    ? (entries as readonly TarEntry[])
    : Object.entries(entries as Record<string, string>).map(([name, text]) => ({ name, text }));
  const packing = pack();
  for (const { text = "", ...header } of list) packing.entry(header, text);
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function zipOf(files: Record<string, string | Uint8Array>, options: ZipOptions = {}): Uint8Array {
  const entries = Object.entries(files).map(
    ([name, file]) => [name, typeof file === "string" ? new TextEncoder().encode(file) : file] as const,
  );
  return zipSync(Object.fromEntries(entries), options);
}
