import { type Principal, requireScope } from "../../../http/access/principal.ts";
import type { FlowDefinition } from "../../../platform/flows/definition/definition.ts";
import { checkCommand, NO_COMMANDS } from "../../../platform/images/command-rules.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Services } from "../services.ts";

interface Command {
  readonly step: string;
  readonly image: string;
}

/**
 * Skiff runs the commands of a flow with a key of its own, so whoever declares them must be one who may run commands.
 * @throws Problem `insufficient_scope`
 */
export function requireCommands(principal: Principal, definition: FlowDefinition): void {
  const [first] = commandsOf(definition);
  if (first !== undefined) requireScope(principal, "run", `The command of the step "${first.step}"`);
}

/** Names the steps whose commands `/exec` would refuse. */
export function refusedCommands(
  { commandRules = NO_COMMANDS }: Pick<Services, "commandRules">,
  definition: FlowDefinition,
): string[] {
  return commandsOf(definition).flatMap(({ step, image }) => {
    try {
      checkCommand(commandRules, image);
      return [];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return `The step "${step}" fails with ${error.code}: ${error.detail}`;
    }
  });
}

function commandsOf({ steps, finally: last }: FlowDefinition): readonly Command[] {
  return [...Object.entries(steps), ...Object.entries(last)].flatMap(([step, { action }]) =>
    action.kind === "exec" ? { step, image: action.image } : [],
  );
}
