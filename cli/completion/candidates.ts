import type { Command, Option } from "commander";

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Returns names of a kind, such as those of the functions. The kind is the name of an argument or an option. */
export type Names = (kind: string) => Promise<readonly string[]>;

/**
 * Returns what the last word can become. Without a candidate the shell completes paths.
 * @param words of the command line behind `skiff`; the last one is incomplete, or empty
 */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<Candidate[]> {
  const last = words.at(-1) ?? "";
  const { command, positions, awaited } = walk(program, words.slice(0, -1));
  const starting = (found: readonly Candidate[]) => found.filter(({ value }) => value.startsWith(last));
  const named = async (kind: string, choices: readonly string[] | undefined) =>
    starting((choices ?? (await names(kind))).map((value) => ({ value, description: "" })));
  if (awaited !== undefined) return named(awaited.attributeName(), awaited.argChoices);
  if (last.startsWith("-")) return starting(optionsOf(command).flatMap(optionCandidate));
  const help = command.createHelp();
  const isOffered = (each: Command) => each.name() !== "help" || command === program;
  const subcommands = positions === 0 ? help.visibleCommands(command).filter(isOffered) : [];
  const target =
    subcommands.length === 0 ? command : command.commands.find((each) => isDefault(command, each));
  const { registeredArguments = [] } = target ?? {};
  const argument = registeredArguments[positions] ?? registeredArguments.findLast(({ variadic }) => variadic);
  return [
    ...starting(
      subcommands.map((each) => ({ value: each.name(), description: each.summary() || each.description() })),
    ),
    ...(argument === undefined ? [] : await named(argument.name(), argument.argChoices)),
  ];
}

interface Walked {
  readonly command: Command;
  /** Arguments of it that are there. */
  readonly positions: number;
  /** The option whose value comes next. */
  readonly awaited: Option | undefined;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let positions = 0;
  let awaited: Option | undefined;
  for (const word of words) {
    if (awaited !== undefined) awaited = undefined;
    else if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ short, long }) => word === short || word === long);
      if (option?.required) awaited = option;
    } else {
      const next = positions === 0 ? command.commands.find((each) => isNamed(each, word)) : undefined;
      if (next === undefined) positions++;
      else command = next;
    }
  }
  return { command, positions, awaited };
}

function isNamed(command: Command, word: string): boolean {
  return command.name() === word || command.aliases().includes(word);
}

/** The subcommand that runs where none is named. */
function isDefault(command: Command, subcommand: Command): boolean {
  return (command as Command & { _defaultCommandName?: string })._defaultCommandName === subcommand.name();
}

function optionsOf(command: Command): Option[] {
  const help = command.createHelp();
  const own = help.visibleOptions(command);
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)];
}

function optionCandidate({ long, description }: Option): Candidate[] {
  return long ? [{ value: long, description }] : [];
}
