import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SmallFiles } from "../../../process/proc/small-files.ts";
import { type ImagePaths, planImage } from "../../../runtimes/image/image-runtime.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { type InstanceFolder, type InstanceFolders, removeInstance } from "../instances/instance-folder.ts";
import { LaunchError } from "../instances/launch-error.ts";
import type { Launched, Launcher, LaunchOrder } from "../launch/launcher.ts";
import type { LeasedNetwork } from "../wall/sandboxes.ts";
import { CallFilters } from "./call-filter.ts";
import { CommandCheck } from "./command-check.ts";
import type { ContainerSpec } from "./container.ts";
import { ContainerChild, EngineResources } from "./container-child.ts";
import type { Engine } from "./engine.ts";
import { EngineError, EngineGone, isOwnFault } from "./engine-error.ts";
import type { EngineFinder } from "./find-engine.ts";
import type { EngineImage } from "./image.ts";
import type { EngineImages } from "./images.ts";
import { INJECTED, type Injection, prepareInjection, writeHosts } from "./inject.ts";
import { labelsOf, type Ownership, ownershipOf, sweepContainers } from "./leftovers.ts";
import { RunFolder } from "./run-folder.ts";

/** The folder of the socket, and its name in it. */
const RUN = "/skiff-run";
const SOCKET = "sock";
/** Every container has a network of its own, so that this port is free. */
const PORT = 8080;
/** Longest time for the first process to start the host. */
const HOST_MS = 10_000;
const LOOK_EVERY_MS = 5;
/** A container of this process that it does not know is removed after this time. */
const YOUNG_MS = 120_000;

export interface EngineLauncherOptions {
  readonly engines: EngineFinder;
  readonly images: Pick<EngineImages, "find">;
  readonly folders: InstanceFolders;
  /** Folder of what is injected into containers. It exists once an image has run. */
  readonly root: string;
  /** Compiles the program host into a folder and returns its path. */
  readonly compileHost: (folder: string) => Promise<string>;
  /** Opens a network that no other instance shares. @throws Problem `no_sandbox` if nothing here holds images to these rules */
  readonly openNetwork: (rules: readonly string[]) => Promise<LeasedNetwork>;
  readonly limits: Pick<Limits, "scratchBytes" | "processes">;
}

/** What a launch has made so far, so that a failure leaves nothing behind. */
interface Begun {
  readonly folder: InstanceFolder;
  network?: LeasedNetwork;
  container?: string;
  run?: RunFolder;
}

/** Launches images as containers in which the program host stands where Deno stands for TypeScript. */
export class EngineLauncher implements Pick<Launcher, "launch" | "close"> {
  readonly #options: EngineLauncherOptions;
  readonly #ownership: Ownership;
  readonly #files = new SmallFiles();
  readonly #closing = new AbortController();
  readonly #alive = new Set<string>();
  readonly #check = new CommandCheck();
  #injection: Promise<Injection> | undefined;
  readonly #filters: CallFilters;

  constructor(options: EngineLauncherOptions) {
    this.#options = options;
    this.#filters = new CallFilters(options.root);
    this.#ownership = ownershipOf(options.folders.owner, randomBytes(6).toString("hex"));
  }

  /**
   * @throws Problem `no_engine`, `image_unavailable`, `image_not_allowed`, `command_not_found`, `start_failed`, `no_sandbox`;
   * LaunchError if the engine fails
   */
  async launch(order: LaunchOrder): Promise<Launched> {
    const { engines, images, folders } = this.#options;
    const { signal } = this.#closing;
    const reference = order.artifact.project?.image?.reference;
    if (reference === undefined) throw new Error(`version ${order.version} of "${order.name}" is no image`);
    const engine = await engines.get();
    const { pullSecret } = order.settings;
    const image = await images.find(reference, { ...(pullSecret ? { pullSecret } : {}), signal });
    const injection = await this.#inject();
    const begun: Begun = { folder: folders.create() };
    this.#alive.add(begun.folder.id);
    try {
      return await this.#launchIn(begun, { engine, image, injection, order });
    } catch (error) {
      await this.#discard(engine, begun);
      if (isOwnFault(error)) throw cannotStart(reference, error);
      throw error instanceof EngineError || error instanceof EngineGone
        ? new LaunchError(`the container engine failed: ${error.message}`, { cause: error })
        : error;
    }
  }

  /** Removes what earlier processes have left, if images ever ran here, and what this one does not know. */
  async sweep(): Promise<number> {
    const { root, engines } = this.#options;
    if (!existsSync(root)) return 0;
    const found = await engines.find();
    if (!("engine" in found)) return 0;
    const isAlive = (id: string) => this.#alive.has(id);
    return await sweepContainers(found.engine, this.#ownership, {
      kind: "instance",
      isAlive,
      youngMs: YOUNG_MS,
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("Skiff shuts down"));
    await this.#injection?.catch(() => {});
  }

  #inject(): Promise<Injection> {
    this.#injection ??= this.#prepareInjection();
    // A full disk may have space next time.
    this.#injection.catch(() => {
      this.#injection = undefined;
    });
    return this.#injection;
  }

  async #prepareInjection(): Promise<Injection> {
    const { root, compileHost } = this.#options;
    mkdirSync(root, { recursive: true, mode: 0o755 });
    return prepareInjection({ root: join(root, "injected"), host: await compileHost(root) });
  }

  async #launchIn(begun: Begun, { engine, image, injection, order }: LaunchIn): Promise<Launched> {
    const { folder } = begun;
    const { settings } = order;
    const { net } = settings.permissions;
    if (net.length > 0) begun.network = await this.#openNetwork(engine, net);
    const paths: ImagePaths = {
      host: injection.command,
      socket: `${RUN}/${SOCKET}`,
      scratch: "/tmp",
      port: PORT,
    };
    const plan = planImage(image, { ...order, nonce: randomBytes(16).toString("hex") }, paths);
    const callFilter = await this.#filters.for(engine);
    const spec = this.#spec(begun, {
      callFilter,
      image,
      injection,
      order,
      command: plan.command,
      env: plan.env,
    });
    begun.container = await engine.create(spec);
    const attachment = await engine.attach(begun.container);
    await engine.start(begun.container);
    const first = (await engine.inspect(begun.container))?.pid ?? 0;
    const child = new ContainerChild(engine, { id: begun.container, pid: first, attachment });
    const resources = new EngineResources(this.#files);
    child.once("outOfMemory", () => resources.sawOutOfMemory());
    const pid = await childOf(first);
    if (pid > 0) {
      begun.run = new RunFolder(pid, RUN);
      await resources.join({ pid: first, memoryFolders: [`/proc/${first}/root/tmp`] });
      await this.#check.check(engine, begun.container, { image, order, env: plan.env });
    }
    return {
      ...{ folder, child, pid, plan, resources },
      begin: () => void child.stdin.write(`${plan.input}\n`),
      expose: () => symlinkSync(begun.run!.pin(SOCKET), folder.socket),
      loaded: () => {},
      close: () => this.#discard(engine, begun),
    };
  }

  /** Docker's own filter refuses new namespaces. */
  async #openNetwork(engine: Engine, net: readonly string[]): Promise<LeasedNetwork> {
    const { name } = await engine.info();
    if (name === "podman" && process.getuid?.() === 0) return await this.#options.openNetwork(net);
    const detail = `Only Podman, with Skiff run by root, can hold an image to the setting "net" (${net.join(", ")}). Deploy it with net=none.`;
    throw new Problem("no_sandbox", detail, { setting: "net" });
  }

  #spec(
    { folder, network }: Begun,
    { image, injection, order, command, env, callFilter }: SpecOrder,
  ): ContainerSpec {
    const { limits } = this.#options;
    const [program, ...args] = command as [string, ...string[]];
    return {
      image: image.id,
      entrypoint: [program],
      command: args,
      env,
      labels: labelsOf(this.#ownership, { kind: "instance", id: folder.id }),
      user: image.user,
      ...(network?.path ? { network: `ns:${network.path}` } : {}),
      mounts: [
        { from: injection.folder, to: INJECTED, isReadOnly: true },
        writeHosts(folder.path),
        ...(network?.resolvConf
          ? [{ from: network.resolvConf, to: "/etc/resolv.conf", isReadOnly: true }]
          : []),
      ],
      memoryMiB: order.settings.memoryMiB,
      processes: limits.processes,
      scratchBytes: limits.scratchBytes,
      socketFolder: RUN,
      callFilter,
    };
  }

  /** Returns lines for the log about what is left. The sweeper tries again. */
  async #discard(engine: Engine, { folder, network, container, run }: Begun): Promise<readonly string[]> {
    run?.close();
    rmSync(folder.socket, { force: true });
    const left: string[] = [];
    try {
      if (container !== undefined) await engine.remove(container);
    } catch (error) {
      if (!(error instanceof EngineError || error instanceof EngineGone)) throw error;
      left.push(`the container of instance ${folder.id} could not be removed: ${error.message}`);
    }
    await network?.close();
    this.#alive.delete(folder.id);
    return [...left, ...(await removeInstance(folder, undefined))];
  }
}

function cannotStart(reference: string, { message }: EngineError): Problem {
  const detail = `The engine cannot start a container of ${reference}: ${message}. Correct the image, or its command.`;
  return new Problem("start_failed", detail);
}

interface LaunchIn {
  readonly engine: Engine;
  readonly image: EngineImage;
  readonly injection: Injection;
  readonly order: LaunchOrder;
}

interface SpecOrder extends Pick<LaunchIn, "image" | "injection" | "order"> {
  readonly callFilter: string | undefined;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Waits until the first process of a container has started the host. Returns its id, or 0 if the container has ended. */
async function childOf(pid: number): Promise<number> {
  const untilMs = performance.now() + HOST_MS;
  while (pid > 0 && performance.now() < untilMs) {
    const children = readIfThere(`/proc/${pid}/task/${pid}/children`);
    if (children === undefined) return 0;
    if (children !== "") return Number(children.split(" ")[0]);
    await setTimeout(LOOK_EVERY_MS);
  }
  if (pid === 0) return 0;
  throw new LaunchError(`the program host did not start in its container within ${HOST_MS} ms`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
