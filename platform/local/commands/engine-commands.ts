import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { CommandOrder, Commands, RunningCommand } from "../../images/commands.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { CallFilters } from "../engine/call-filter.ts";
import type { ContainerSpec, Mount } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineError, EngineGone, isMissingCommand } from "../engine/engine-error.ts";
import type { EngineFinder } from "../engine/find-engine.ts";
import type { EngineImage } from "../engine/image.ts";
import type { EngineImages } from "../engine/images.ts";
import { writeHosts } from "../engine/inject.ts";
import { labelsOf, type Ownership, sweepContainers } from "../engine/leftovers.ts";
import { followContainer } from "./follow-container.ts";

/** A container of this process that it does not know is removed after this time. */
const YOUNG_MS = 120_000;
/** Attempts to remove a container, and the pause between two. */
const REMOVALS = 3;
const REMOVE_AGAIN_MS = 200;

export interface EngineCommandsOptions {
  readonly engines: Pick<EngineFinder, "get" | "find">;
  readonly images: Pick<EngineImages, "find">;
  readonly ownership: Ownership;
  /** A file that exists once a command has run: without it, no engine is asked what is left. */
  readonly used: string;
  /** Folder for the filter of system calls and the /etc/hosts of containers. */
  readonly folder: string;
  readonly limits: Pick<Limits, "scratchBytes" | "processes">;
  /** Receives each line for Skiff's own log. */
  readonly print: (text: string) => void;
}

/** Runs commands as containers without a network. */
export class EngineCommands implements Commands {
  readonly #options: EngineCommandsOptions;
  readonly #alive = new Set<string>();
  readonly #filters: CallFilters;
  #hosts: Mount | undefined;

  constructor(options: EngineCommandsOptions) {
    this.#options = options;
    this.#filters = new CallFilters(options.folder);
  }

  async run(order: CommandOrder, signal: AbortSignal): Promise<RunningCommand> {
    const { engines, images } = this.#options;
    signal.throwIfAborted();
    const engine = await engines.get();
    const { pullSecret } = order;
    const image = await images.find(order.image, { ...(pullSecret ? { pullSecret } : {}), signal });
    const spec = { ...this.#spec(order, image), callFilter: await this.#filters.for(engine) };
    writeFileSync(this.#options.used, "");
    this.#alive.add(order.id);
    let container: string | undefined;
    try {
      container = await engine.create(spec);
      signal.throwIfAborted();
      const attachment = await engine.attach(container);
      await engine.start(container);
      const discard = (id: string) => this.#discard(engine, order.id, id);
      return followContainer(engine, { container, attachment, order, signal, discard });
    } catch (error) {
      await this.#discard(engine, order.id, container);
      throw this.#explain(error, order, spec);
    }
  }

  async sweep(): Promise<number> {
    if (!existsSync(this.#options.used)) return 0;
    const found = await this.#options.engines.find();
    if (!("engine" in found)) return 0;
    const isAlive = (id: string) => this.#alive.has(id);
    const options = { kind: "command", isAlive, youngMs: YOUNG_MS } as const;
    return sweepContainers(found.engine, this.#options.ownership, options);
  }

  #spec(order: CommandOrder, image: EngineImage): ContainerSpec {
    const { ownership, limits } = this.#options;
    const [program, ...args] = order.command;
    if (program === undefined && image.entrypoint.length + image.command.length === 0) {
      const detail = `The image ${order.image} names no program to run: give one with cmd= or arg=.`;
      throw new Problem("command_not_found", detail, { setting: "cmd" });
    }
    return {
      image: image.id,
      ...(program === undefined ? {} : { entrypoint: [program], command: args }),
      env: order.env,
      labels: labelsOf(ownership, { kind: "command", id: order.id }),
      user: image.user,
      mounts: [this.#hostsFile()],
      memoryMiB: order.memoryMiB,
      processes: limits.processes,
      scratchBytes: limits.scratchBytes,
    };
  }

  #hostsFile(): Mount {
    const { folder } = this.#options;
    if (this.#hosts === undefined) {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      this.#hosts = writeHosts(folder);
    }
    return this.#hosts;
  }

  #explain(error: unknown, { image, command }: CommandOrder, { user = "" }: ContainerSpec): unknown {
    if (isMissingCommand(error)) {
      const program = JSON.stringify(command[0] ?? "");
      const who = user === "" ? "can be run" : `its user ${user} can run`;
      const detail = `The image ${image} has no program ${program} that ${who}: correct the command.`;
      return new Problem("command_not_found", detail, { setting: "cmd" });
    }
    if (!(error instanceof EngineError || error instanceof EngineGone)) return error;
    return new Problem("start_failed", `The container engine did not start the command: ${error.message}.`);
  }

  /** Tries again if the engine fails. What cannot be removed is left to the sweeper. */
  async #discard(engine: Engine, id: string, container: string | undefined): Promise<void> {
    try {
      if (container !== undefined) await removed(engine, container);
    } catch (error) {
      if (!(error instanceof EngineError || error instanceof EngineGone)) throw error;
      this.#options.print(`the container of command ${id} could not be removed: ${error.message}`);
    } finally {
      this.#alive.delete(id);
    }
  }
}

async function removed(engine: Engine, container: string): Promise<void> {
  for (let left = REMOVALS - 1; ; left--) {
    try {
      return await engine.remove(container);
    } catch (error) {
      if (!(error instanceof EngineError) || left === 0) throw error;
      await setTimeout(REMOVE_AGAIN_MS);
    }
  }
}
