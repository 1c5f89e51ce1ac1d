import { join } from "node:path";
import { Problem } from "../../problems.ts";
import { Engine } from "./engine.ts";
import { EngineError, EngineGone } from "./engine-error.ts";

const DEFAULT_SOCKETS = ["/run/podman/podman.sock", "/var/run/docker.sock"];

export interface EngineVariables {
  /** `SKIFF_ENGINE`: path or `unix://` URL of a socket. */
  readonly engine?: string | undefined;
  readonly dockerHost?: string | undefined;
  readonly runtimeFolder?: string | undefined;
}

export type FoundEngine = { readonly engine: Engine; readonly about: string } | { readonly reason: string };

export function engineVariables(env: Readonly<Record<string, string | undefined>>): EngineVariables {
  return { engine: env.SKIFF_ENGINE, dockerHost: env.DOCKER_HOST, runtimeFolder: env.XDG_RUNTIME_DIR };
}

/** The sockets to try, in order. @throws Error if a variable names something other than a Unix socket */
export function engineSockets({ engine, dockerHost, runtimeFolder }: EngineVariables): readonly string[] {
  for (const [name, value] of [
    ["SKIFF_ENGINE", engine],
    ["DOCKER_HOST", dockerHost],
  ] as const) {
    if (!value) continue;
    if (value.startsWith("/")) return [value];
    if (value.startsWith("unix:///")) return [value.slice("unix://".length)];
    throw new Error(
      `${name}=${value} is not a Unix socket of this machine: use unix:///PATH. Folders of this machine are mounted into containers, so an engine elsewhere cannot run them.`,
    );
  }
  const [podman, docker] = DEFAULT_SOCKETS as [string, string];
  return [podman, ...(runtimeFolder ? [join(runtimeFolder, "podman/podman.sock")] : []), docker];
}

/** Finds the first engine that answers, or says why there is none and what to do. */
export async function findEngine(variables: EngineVariables): Promise<FoundEngine> {
  let sockets: readonly string[];
  try {
    sockets = engineSockets(variables);
  } catch (error) {
    return { reason: (error as Error).message };
  }
  for (const path of sockets) {
    const engine = new Engine(path);
    try {
      const { name, version } = await engine.info();
      return { engine, about: `${name === "podman" ? "Podman" : "Docker"} ${version} on ${path}` };
    } catch (error) {
      if (!(error instanceof EngineGone || error instanceof EngineError)) throw error;
    }
  }
  return {
    reason: `No container engine answers on ${sockets.join(", ")}. Install Podman (apt install podman) and start its socket (systemctl enable --now podman.socket), or set SKIFF_ENGINE to the socket of one.`,
  };
}

/** Describes what holds images, for people. */
export function describeImages(found: FoundEngine): { readonly files: string; readonly network: string } {
  if (!("engine" in found)) return { files: `none: ${found.reason}`, network: "none" };
  return {
    files: `a container of ${found.about}: the files of its image, read-only, a /tmp in memory, the user of its image and no capabilities`,
    network: "none, unless net opens one: a network namespace with a filter",
  };
}

/** Finds the engine when the first image needs it. */
export class EngineFinder {
  readonly #variables: EngineVariables;
  #finding: Promise<FoundEngine> | undefined;

  constructor(variables: EngineVariables) {
    this.#variables = variables;
  }

  /** @throws Problem `no_engine` that says what to install */
  async get(): Promise<Engine> {
    const found = await this.find();
    if ("engine" in found) return found.engine;
    throw new Problem("no_engine", `No image can run on this machine. ${found.reason}`);
  }

  /** Looks again if there was none. */
  async find(): Promise<FoundEngine> {
    this.#finding ??= findEngine(this.#variables);
    const found = await this.#finding;
    if (!("engine" in found)) this.#finding = undefined;
    return found;
  }
}
