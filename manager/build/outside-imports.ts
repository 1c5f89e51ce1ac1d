import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Semaphore } from "../../platform/semaphore.ts";
import { type ChildResult, runChild } from "./child-process.ts";
import type { ImportHosts } from "./import-hosts.ts";
import { holdsForeignModule, isOwnModule } from "./module-check.ts";
import { MACHINE_FILE } from "./outside-errors.ts";

export interface OutsideOptions {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** Folder of the builder, as a real path. */
  readonly directory: string;
  readonly hosts: ImportHosts;
  readonly slots: Semaphore;
  /** Longest module that the bundler may give, in bytes. */
  readonly outputBytes: number;
  /** The platform's environment, of which only how to reach registries goes on to Deno. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OutsideError {
  readonly text: string;
  /** Line from 1, column in bytes from 0; `file` is `main.js` for the module that was given. */
  readonly location: { file: string; line: number; column: number; length: number } | null;
}

export type OutsideResult = { readonly code: string } | { readonly errors: readonly OutsideError[] };

const PROGRAM = fileURLToPath(new URL("deno-bundle.js", import.meta.url));
/** Name of the module that is bundled, as Deno reports it. */
export const ENTRY = "main.js";

/** How registries are reached: proxies, certificates, registries instead of the public ones. */
const PASSED_ON = [
  ...["NPM_CONFIG_REGISTRY", "JSR_URL", "DENO_CERT", "DENO_TLS_CA_STORE", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  ...["NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"],
];

/** Pauses before a build is tried again whose downloads broke off. */
const RETRY_AFTER_MS = [250, 1_000];

/** Memory of the child in KiB: a module named like an endless device must not fill the machine's. */
const MEMORY_KIB = 2 * 1024 * 1024;

/**
 * Bundles a module with everything that it imports from outside, with Deno's own bundler in a process of
 * its own. That process may read the build's folder and Deno's cache, and import from `hosts`.
 * @throws the reason of `signal`; Error if Deno does not run
 */
export async function bundleOutside(
  code: string,
  options: OutsideOptions,
  signal: AbortSignal,
): Promise<OutsideResult> {
  return await options.slots.run(async () => {
    const folder = await mkdtemp(join(options.directory, "builds", "build-"));
    try {
      await writeFile(join(folder, ENTRY), code, { mode: 0o600 });
      let result = readResult(await runDeno(folder, options, signal));
      for (const pauseMs of RETRY_AFTER_MS) {
        if (!isUnreachable(result)) break;
        await setTimeout(pauseMs, undefined, { signal });
        result = readResult(await runDeno(folder, options, signal));
      }
      return result;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, signal);
}

async function runDeno(folder: string, options: OutsideOptions, signal: AbortSignal): Promise<ChildResult> {
  const { deno, directory, hosts, outputBytes, env } = options;
  const denoDirectory = join(directory, "deno");
  const allowed = [...hosts.allowed, ...registryHosts(env.JSR_URL)];
  const command = [
    ...[deno, "run", "--quiet", "--unstable-bundle", "--no-prompt", "--no-config", "--no-lock"],
    ...["--node-modules-dir=none", `--allow-read=${folder},${denoDirectory}`],
    ...[`--allow-import=${allowed.join(",")}`, PROGRAM, join(folder, ENTRY)],
  ];
  const limited = ["/bin/sh", "-c", `ulimit -d ${MEMORY_KIB}; ulimit -c 0; exec "$@"`, "sh", ...command];
  return await runChild(limited, {
    cwd: folder,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: folder,
      TMPDIR: folder,
      DENO_DIR: denoDirectory,
      NO_COLOR: "1",
      DENO_NO_PROMPT: "1",
      DENO_NO_UPDATE_CHECK: "1",
      DENO_NO_PACKAGE_JSON: "1",
      ...passedOn(env),
    },
    // JSON escapes what the module holds, and the source map comes with it.
    outputBytes: outputBytes * 6,
    signal,
  });
}

/** True if a download broke: what was downloaded before is in the cache, so trying again goes on from there. */
function isUnreachable(result: OutsideResult): boolean {
  const broken =
    /Failed (loading|fetching|to fetch) https?:|error sending request|connection (reset|closed|error)/i;
  return "errors" in result && result.errors.some(({ text }) => broken.test(text));
}

function passedOn(env: OutsideOptions["env"]): Record<string, string> {
  const passed: Record<string, string> = {};
  // npm tells the programs that it starts which registry it uses, in lower case.
  const registry = env.NPM_CONFIG_REGISTRY ?? env.npm_config_registry;
  for (const [name, value] of Object.entries({ ...env, NPM_CONFIG_REGISTRY: registry })) {
    if (value && PASSED_ON.includes(name)) passed[name] = value;
  }
  return passed;
}

function registryHosts(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  return [`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
}

function readResult({ stdout, stderr, exit, tooMuch }: ChildResult): OutsideResult {
  if (tooMuch) return { errors: [{ text: "the bundle is too large", location: null }] };
  if (typeof exit === "string" || exit > 128) {
    return {
      errors: [{ text: `the bundler was ended by ${exit}, most likely out of memory`, location: null }],
    };
  }
  if (exit !== 0) throw new Error(`Deno's bundler failed with exit code ${exit}: ${stderr}`);
  const result = JSON.parse(stdout) as OutsideResult;
  if ("errors" in result) return { errors: result.errors.map(withoutContent) };
  return holdsForeignModule(result.code) ? { errors: [{ text: MACHINE_FILE, location: null }] } : result;
}

/** An error about the text of a file that is neither the user's nor a package's would tell what is in it. */
function withoutContent(error: OutsideError): OutsideError {
  const { location } = error;
  if (!location || location.file === ENTRY || isOwnModule(location.file)) return error;
  return { text: MACHINE_FILE, location: null };
}
