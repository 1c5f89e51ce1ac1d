import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Limits } from "../../limits.ts";
import type { EngineFinder } from "../engine/find-engine.ts";
import type { EngineImages } from "../engine/images.ts";
import { ownershipOf } from "../engine/leftovers.ts";
import { identityOf } from "../instances/instance-folder.ts";
import type { Launching } from "../launch/launching.ts";
import { EngineCommands } from "./engine-commands.ts";
import { HostCommands } from "./host-commands.ts";
import { LocalCommands } from "./local-commands.ts";

export interface CommandsOptions {
  /** It exists. */
  readonly dataFolder: string;
  readonly limits: Limits;
  readonly launching: Promise<Pick<Launching, "commandSandboxes">>;
  /** Absent where no image can run. */
  readonly engine: { readonly engines: EngineFinder; readonly images: EngineImages } | undefined;
  /** Receives each line for Skiff's own log. */
  readonly print: (text: string) => void;
}

/** Opens what runs commands on this machine. Nothing is prepared before the first one. */
export function openCommands(options: CommandsOptions): LocalCommands {
  const { dataFolder, limits, launching, engine, print } = options;
  const sandboxes = async () => (await launching).commandSandboxes();
  const ownership = ownershipOf(identityOf(dataFolder), randomBytes(6).toString("hex"));
  const used = join(dataFolder, "engine-commands");
  const folder = join(dataFolder, "engine", "commands");
  return new LocalCommands({
    host: new HostCommands({ limits, sandboxes, print }),
    engine: engine && new EngineCommands({ ...engine, ownership, used, folder, limits, print }),
  });
}
