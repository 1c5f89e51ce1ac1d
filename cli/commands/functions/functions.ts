import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addCall } from "./call.ts";
import { addDelete } from "./delete.ts";
import { addDeploy } from "./deploy.ts";
import { addDescribe } from "./describe.ts";
import { addEnv } from "./env.ts";
import { addExec } from "./exec.ts";
import { addList } from "./list.ts";
import { addLogs } from "./logs.ts";

/** Adds the commands for functions, in the order of the help. */
export function addFunctionCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("Functions:");
  for (const add of [addDeploy, addList, addDescribe, addCall, addExec, addLogs, addEnv, addDelete])
    add(program, surroundings);
}
