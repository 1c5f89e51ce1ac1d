import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addGit } from "../git/group.ts";
import { addDiff } from "./diff.ts";
import { addRollback } from "./rollback.ts";
import { addTraffic } from "./traffic.ts";
import { addVersions } from "./versions.ts";

/** Adds the commands for versions, in the order of the help. */
export function addVersionCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("Versions:");
  for (const add of [addVersions, addDiff, addRollback, addTraffic, addGit]) add(program, surroundings);
}
