import { setTimeout } from "node:timers/promises";
import { type ContainerSpec, type ContainerState, createBody, type ListedContainer } from "./container.ts";
import { EngineError } from "./engine-error.ts";
import { EngineSocket } from "./engine-socket.ts";
import { type Attachment, separate } from "./frames.ts";
import { type EngineImage, toImage } from "./image.ts";
import { wasKilledForMemory } from "./out-of-memory.ts";

/** Longest answer to a request that waits for nothing but the engine. */
const ANSWER_MS = 30_000;
/** Pause between two looks at a container whose output has ended. */
const LOOK_EVERY_MS = 10;

/** Links that a path may go through, as the kernel counts them. */
const MOST_LINKS = 40;
/** Modes as Go has them. */
const LINK_BIT = 2 ** 27;
/** Folders, links, devices, pipes, sockets and others. The sum is above 2^31, where bits have a sign. */
const NO_FILE_BITS = (2 ** 31 + 2 ** 27 + 2 ** 26 + 2 ** 25 + 2 ** 24 + 2 ** 21 + 2 ** 19) | 0;

export interface EngineInfo {
  readonly name: "podman" | "docker";
  readonly version: string;
}

export interface PullOptions {
  /** `user:password`. */
  readonly credentials?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * A container engine with the API of Docker, on a Unix socket of this machine. Requests have a deadline of ANSWER_MS
 * unless they take a signal. All throw EngineError and EngineGone.
 */
export class Engine {
  readonly #socket: EngineSocket;

  constructor(socketPath: string) {
    this.#socket = new EngineSocket(socketPath);
  }

  /** Path of its socket. */
  get path(): string {
    return this.#socket.path;
  }

  async info(): Promise<EngineInfo> {
    const answer = (await this.#call("GET", "/version")) as {
      Version: string;
      Components?: readonly { Name: string; Version: string }[];
    };
    const podman = answer.Components?.find(({ Name }) => Name.startsWith("Podman"));
    return { name: podman ? "podman" : "docker", version: podman?.Version ?? answer.Version };
  }

  /** Undefined if the engine has no such image. */
  async findImage(reference: string): Promise<EngineImage | undefined> {
    const answer = await this.#find(`/images/${encodeReference(reference)}/json`);
    return answer === undefined ? undefined : toImage(answer);
  }

  /** Pulls an image, or makes sure that it is the newest of its name. @throws EngineError with the registry's reason */
  async pull(reference: string, { credentials, signal }: PullOptions): Promise<void> {
    const headers = credentials === undefined ? {} : { "x-registry-auth": authOf(credentials, reference) };
    const query = { fromImage: reference };
    const response = await this.#socket.open("POST", "/images/create", { query, headers, signal });
    // The status is sent before the pull begins, so failures are lines of the body.
    const body = await this.#socket.read(response, signal);
    for (const line of body.split("\n")) {
      if (line.trim() === "") continue;
      const { error } = JSON.parse(line) as { error?: string };
      if (error !== undefined) throw new EngineError(500, error);
    }
  }

  /** Removes an image. */
  async removeImage(reference: string): Promise<void> {
    await this.#call("DELETE", `/images/${encodeReference(reference)}`);
  }

  /** Returns its id. @throws EngineError 404 if the engine has no such image */
  async create(spec: ContainerSpec): Promise<string> {
    const { Id } = (await this.#call("POST", "/containers/create", {}, createBody(spec))) as { Id: string };
    return Id;
  }

  /**
   * Connects with the standard streams, before the start, so that nothing of the output is missed.
   * @throws also what `start` throws, because Podman prepares the container here
   */
  async attach(id: string): Promise<Attachment> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const open = (query: Readonly<Record<string, string>>) =>
      this.#socket.upgrade(`/containers/${id}/attach`, { query: { stream: "1", ...query }, signal });
    const output = await open({ stdout: "1", stderr: "1" });
    // Its own connection: a command that has ended breaks it, and Node drops what was not read from a broken one.
    const input = await open({ stdin: "1" }).catch((error: unknown) => {
      output.socket.destroy();
      throw error;
    });
    return separate(output, input.socket);
  }

  /** @throws EngineError for which `isMissingCommand` is true if the program does not exist */
  async start(id: string): Promise<void> {
    await this.#call("POST", `/containers/${id}/start`);
  }

  /** Undefined if it was removed. */
  async inspect(id: string): Promise<ContainerState | undefined> {
    const answer = await this.#find(`/containers/${id}/json`);
    return answer === undefined ? undefined : toState(answer);
  }

  /**
   * Resolves with the state of a container that was started, once it has ended. The output may go on for a moment.
   * Without `soon`, the engine tells when.
   * @param soon the output has ended, so that the container is about to
   */
  async ended(
    id: string,
    { signal, soon = false }: { signal: AbortSignal; soon?: boolean },
  ): Promise<ContainerState | undefined> {
    for (let looks = 0; ; looks++) {
      const state = await this.inspect(id);
      if (!state?.running) return state && this.#withReason(id, state);
      signal.throwIfAborted();
      // Podman looks only four times a second while it waits.
      if (soon && looks * LOOK_EVERY_MS < 500) await pause(LOOK_EVERY_MS, signal);
      else await this.#wait(id, signal);
    }
  }

  /** Whether a path of a container, behind its symbolic links, is a file that somebody may execute. */
  async isExecutable(id: string, path: string): Promise<boolean> {
    for (let links = 0, at = path; links < MOST_LINKS; links++) {
      const stat = await this.#stat(id, at);
      if (stat === undefined) return false;
      if ((stat.mode & LINK_BIT) === 0) return (stat.mode & NO_FILE_BITS) === 0 && (stat.mode & 0o111) !== 0;
      if (stat.linkTarget === "" || stat.linkTarget === at) return false;
      at = stat.linkTarget;
    }
    return false;
  }

  /** Sends a signal. A container that has ended is no error. */
  async kill(id: string, signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> {
    try {
      await this.#call("POST", `/containers/${id}/kill`, { signal });
    } catch (error) {
      // Engines differ in the status.
      if (!(error instanceof EngineError) || (await this.inspect(id))?.running) throw error;
    }
  }

  /** Removes a container and ends it before. One that is gone is no error. */
  async remove(id: string): Promise<void> {
    // Otherwise Podman waits 10 s for a first process that ignores SIGTERM. Docker does not know the parameter.
    const query = { force: "1", v: "1", timeout: "0" };
    // 409: its removal is under way.
    await this.#ignoring([404, 409], this.#call("DELETE", `/containers/${id}`, query));
  }

  /** Lists the containers that have all labels, running or not. */
  async list(labels: Readonly<Record<string, string>>): Promise<readonly ListedContainer[]> {
    const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const query = { all: "1", filters: JSON.stringify({ label }) };
    const answer = (await this.#call("GET", "/containers/json", query)) as readonly {
      Id: string;
      Labels: Record<string, string> | null;
      Created: number;
      State: string;
    }[];
    return answer.map(({ Id, Labels, Created, State }) => ({
      id: Id,
      labels: Labels ?? {},
      createdAt: new Date(Created * 1000),
      isRunning: State === "running",
    }));
  }

  #call(method: string, path: string, query: Readonly<Record<string, string>> = {}, body?: unknown) {
    return this.#socket.call(method, path, { query, body, signal: AbortSignal.timeout(ANSWER_MS) });
  }

  async #stat(id: string, path: string): Promise<{ mode: number; linkTarget: string } | undefined> {
    const order = { query: { path }, signal: AbortSignal.timeout(ANSWER_MS) };
    try {
      const response = await this.#socket.open("HEAD", `/containers/${id}/archive`, order);
      response.resume();
      const header = String(response.headers["x-docker-container-path-stat"]);
      return JSON.parse(Buffer.from(header, "base64").toString());
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #find(path: string): Promise<unknown> {
    try {
      return await this.#call("GET", path);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #wait(id: string, signal: AbortSignal): Promise<void> {
    await this.#ignoring([404], this.#socket.call("POST", `/containers/${id}/wait`, { signal }));
  }

  /** Podman misses that the memory ran out where the first process is the one that the kernel kills. */
  async #withReason(id: string, state: ContainerState): Promise<ContainerState> {
    if (state.isOutOfMemory || state.exitCode !== 137) return state;
    return { ...state, isOutOfMemory: await wasKilledForMemory(id) };
  }

  async #ignoring(statuses: readonly number[], work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof EngineError && statuses.includes(error.status))) throw error;
    }
  }
}

function encodeReference(reference: string): string {
  return reference.split("/").map(encodeURIComponent).join("/");
}

/** Credentials go into a header of the request: never into arguments, files or logs. */
function authOf(credentials: string, reference: string): string {
  const colon = credentials.indexOf(":");
  const [username, password] = [credentials.slice(0, colon), credentials.slice(colon + 1)];
  const serveraddress = reference.split("/")[0];
  const text = Buffer.from(JSON.stringify({ username, password, serveraddress })).toString("base64");
  // The form for URLs, with the padding that Node leaves out there.
  return text.replaceAll("+", "-").replaceAll("/", "_");
}

function toState(answer: unknown): ContainerState {
  const { State } = answer as {
    State: {
      Running: boolean;
      Pid: number;
      ExitCode: number;
      OOMKilled: boolean;
      StartedAt: string;
      FinishedAt: string;
    };
  };
  return {
    running: State.Running,
    pid: State.Pid,
    exitCode: State.ExitCode,
    isOutOfMemory: State.OOMKilled,
    startedAt: new Date(State.StartedAt),
    finishedAt: new Date(State.FinishedAt),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal });
}
