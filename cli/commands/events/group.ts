import type { Command } from "commander";
import type { Surroundings } from "../../task.ts";
import { addAsync } from "./async.ts";
import { addCalls } from "./calls.ts";
import { addPublish } from "./publish.ts";
import { addSchedule } from "./schedule.ts";
import { addSubscribe } from "./subscribe.ts";
import { addSubscriptions } from "./subscriptions.ts";
import { addTopics } from "./topics.ts";

/** Adds the commands for what happens later, in the order of the help. */
export function addEventCommands(program: Command, surroundings: Surroundings): void {
  program.commandsGroup("Events:");
  for (const add of [addAsync, addCalls, addPublish, addSubscribe, addTopics, addSubscriptions, addSchedule])
    add(program, surroundings);
}
