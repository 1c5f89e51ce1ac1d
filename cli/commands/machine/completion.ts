import { Argument, type Command } from "commander";
import { Api } from "../../api/api.ts";
import { candidates } from "../../completion/candidates.ts";
import { SCRIPTS } from "../../completion/scripts.ts";
import { readContexts } from "../../context/context-file.ts";
import { choosePlace } from "../../context/places.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

/** A shell waits for it while somebody types. */
const NAMES_MS = 3_000;

const HELP = `
Examples:
  source <(skiff completion bash)                                (in ~/.bashrc)
  source <(skiff completion zsh)                                 (in ~/.zshrc, after compinit)
  skiff completion fish > ~/.config/fish/completions/skiff.fish`;

export function addCompletion(program: Command, surroundings: Surroundings): void {
  program
    .command("completion")
    .summary("print a script that completes commands in a shell")
    .description("Prints a script that lets a shell complete commands, options, and names of functions.")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", HELP)
    .action(
      action(surroundings, ({ out }: Task, shell: keyof typeof SCRIPTS) => {
        out.write(SCRIPTS[shell]);
      }),
    );
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(
      action(surroundings, async ({ out }: Task, words: readonly string[]) => {
        const found = await candidates(program, words, (kind) => namesOf(kind, surroundings));
        for (const { value, description } of found) out.line(`${value}\t${description}`);
      }),
    );
}

/** Where no Skiff answers, there are no names to offer. */
async function namesOf(kind: string, { env }: Surroundings): Promise<readonly string[]> {
  const file = readContexts(env);
  if (kind === "context") return Object.keys(file.contexts);
  const list = LISTS.find(([name]) => kind.startsWith(name));
  if (list === undefined) return [];
  const [, path, member, id] = list;
  const api = new Api(choosePlace(file, {}, env));
  const signal = AbortSignal.timeout(NAMES_MS);
  return api.json<Record<string, Record<string, string>[]>>(path, { signal }).then(
    (page) => page[member]!.map((each) => each[id]!),
    () => [],
  );
}

/** Lists of the API by the arguments that name something in them. */
const LISTS: readonly (readonly [argument: string, path: string, member: string, id: string])[] = [
  ["function", "/func", "functions", "name"],
  ["secret", "/secret", "secrets", "name"],
  ["key", "/key", "keys", "id"],
  ["topic", "/topic", "topics", "name"],
  ["subscription", "/subscription", "subscriptions", "name"],
  ["schedule", "/schedule", "schedules", "name"],
  ["flow", "/flow", "flows", "name"],
];
