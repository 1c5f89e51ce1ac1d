import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addContext } from "./context.ts";
import { addServe } from "./serve.ts";

/** Adds the commands for this machine, in the order of the help. */
export function addMachineCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("This machine:");
  for (const add of [addServe, addContext]) add(program, surroundings);
}
