import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type ZipOptions, zipSync } from "fflate";
import { type Header, pack } from "tar-stream";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { Problem, type ProblemCode } from "../../../../platform/problems.ts";
import { type BuilderOptions, createBuilder } from "../../../../runtimes/deno/build/builder.ts";
import { recognizeSource } from "../../../../runtimes/deno/build/source.ts";
import { denoPath } from "../../../../runtimes/deno/deno-binary.ts";

export const limits = limitsFromEnv({});

/** A builder with a folder of its own, for the tests of one file. */
export async function startBuilder(options: Partial<BuilderOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "skiff-build-"));
  const directory = options.directory ?? join(folder, "builder");
  const builder = createBuilder({ deno: denoPath(), directory, limits, ...options });
  let modules = 0;
  const build = async (source: string | Uint8Array, signal?: AbortSignal): Promise<string> => {
    const bytes = typeof source === "string" ? Buffer.from(source) : source;
    const recognized = recognizeSource(bytes, options.limits ?? limits);
    const { artifact } = await builder.build(recognized, signal ? { signal } : {});
    return new TextDecoder().decode(artifact.code);
  };
  const write = async (code: string): Promise<string> => {
    const path = join(folder, `bundle-${++modules}.mjs`);
    await writeFile(path, code);
    return path;
  };
  return {
    builder,
    directory,
    folder,
    build,
    /** Builds, and imports the bundle into this process. */
    async load(source: string | Uint8Array): Promise<Record<string, unknown>> {
      return await import(pathToFileURL(await write(await build(source))).href);
    },
    /** Builds, and runs the bundle in Deno without any permission. */
    async run(source: string | Uint8Array): Promise<{ stdout: string; stderr: string }> {
      const path = await write(await build(source));
      const args = ["run", "--no-prompt", "--no-config", "--no-remote", "--no-npm", path];
      const env = { DENO_DIR: join(folder, "run"), NO_COLOR: "1" };
      return await promisify(execFile)(denoPath(), args, { env, timeout: 20_000 }).catch((error) => error);
    },
    async close(): Promise<void> {
      await builder.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
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
