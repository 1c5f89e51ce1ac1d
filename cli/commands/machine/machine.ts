import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addCompletion } from "./completion.ts";
import { addContext } from "./context.ts";
import { addDev } from "./dev.ts";
import { addInit } from "./init.ts";
import { addLogin } from "./login.ts";
import { addServe } from "./serve.ts";

/** Adds the commands for this machine, in the order of the help. */
export function addMachineCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("This machine:");
  for (const add of [addInit, addDev, addServe, addLogin, addContext, addCompletion])
    add(program, surroundings);
}
