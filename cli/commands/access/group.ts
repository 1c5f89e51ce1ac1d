import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addApply } from "../files/apply.ts";
import { addExport } from "../files/export.ts";
import { addDashboard } from "./dashboard.ts";
import { addKey } from "./key.ts";
import { addSecret } from "./secret.ts";
import { addUsage } from "./usage.ts";

/** Adds the commands for a whole Skiff, in the order of the help. */
export function addInstallationCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("The whole Skiff:");
  for (const add of [addDashboard, addSecret, addKey, addUsage, addApply, addExport])
    add(program, surroundings);
}
