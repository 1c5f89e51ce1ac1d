import { Problem } from "../problems.ts";
import { isShellVariable } from "../settings/reserved-variables.ts";
import type { CommandOrder } from "./commands.ts";

/** Checks a command of `image=host` without a look at the machine. @throws Problem `invalid_request` */
export function checkHostOrder({ command, env, pullSecret }: Omit<CommandOrder, "input">): void {
  if (command.length === 0) {
    const detail = "image=host has no command of its own: give one with cmd= or arg=.";
    throw new Problem("invalid_request", detail, { setting: "cmd" });
  }
  if (pullSecret !== undefined) {
    const detail = "image=host is in no registry: leave pull-secret out.";
    throw new Problem("invalid_request", detail, { setting: "pull-secret" });
  }
  const refused = Object.keys(env).find(isShellVariable);
  if (refused === undefined) return;
  const detail = `The shell that starts the command keeps the variable ${refused} for itself: use another name.`;
  throw new Problem("invalid_request", detail);
}
