import { Command, CommanderError } from "commander";
import { readVersion } from "../process/version.ts";
import { addInstallationCommands } from "./commands/access/group.ts";
import { addEventCommands } from "./commands/events/group.ts";
import { addFlowCommands } from "./commands/flows/group.ts";
import { addFunctionCommands } from "./commands/functions/functions.ts";
import { addMachineCommands } from "./commands/machine/machine.ts";
import { addVersionCommands } from "./commands/versions/group.ts";
import { describeFailure, EXIT } from "./failure.ts";
import { Output } from "./output/output.ts";
import { Ended, type Surroundings } from "./task.ts";

const DESCRIPTION = "Deploys functions to a Skiff, calls them and operates them.";

/** Returns the command with every subcommand, as `surroundings` run it. */
export function createProgram(surroundings: Surroundings): Command {
  const { stdout, stderr } = surroundings;
  const program = new Command("skiff");
  program
    .description(DESCRIPTION)
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .option("--url <url>", "address of the Skiff (SKIFF_URL)")
    .option("--context <name>", "the Skiff with this name: see `skiff context`")
    .option("--json", "print results as JSON")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showHelpAfterError("Run with --help for the options.")
    .exitOverride();
  addFunctionCommands(program, surroundings);
  addVersionCommands(program, surroundings);
  addEventCommands(program, surroundings);
  addFlowCommands(program, surroundings);
  addInstallationCommands(program, surroundings);
  addMachineCommands(program, surroundings);
  return program;
}

/** Runs a command line. Returns the exit code. */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await createProgram(surroundings).parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Ended) return error.exitCode;
    // Commander has printed help, or what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return report(error, args, surroundings);
  }
}

function report(error: unknown, args: readonly string[], { stdout, stderr }: Surroundings): number {
  const { exitCode, lines, document } = describeFailure(error);
  const out = new Output({ json: args.includes("--json"), stdout, stderr });
  if (out.json) out.note(JSON.stringify(document, undefined, 2));
  else out.note(`${out.styleNote("red", "error:")} ${lines.join("\n")}`);
  return exitCode;
}
