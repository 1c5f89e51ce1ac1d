import type { Command } from "commander";
import { readContexts, writeContexts } from "../../context/context-file.ts";
import { checkUrl, choosePlace, DEFAULT_URL, unknownContext } from "../../context/places.ts";
import { table } from "../../output/table.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

const EXAMPLES = `
Examples:
  skiff context add local http://127.0.0.1:8080
  skiff context add live https://skiff.example.com
  skiff context use live
  skiff list --context local`;

const NAME = /^[a-z0-9][a-z0-9._-]{0,49}$/i;

export function addContext(program: Command, surroundings: Surroundings): void {
  const context = program
    .command("context")
    .summary("name the Skiffs that you use")
    .description("Keeps addresses and keys of several Skiffs by name.")
    .addHelpText("after", EXAMPLES);
  context
    .command("list", { isDefault: true })
    .description("Lists the contexts. The current one has a star.")
    .action(action(surroundings, list));
  context
    .command("add")
    .description("Adds a context, or changes its address. The first one becomes the current one.")
    .argument("<name>", "how you call it")
    .argument("<url>", "address of the Skiff")
    .action(action(surroundings, add));
  context
    .command("use")
    .description("Makes a context the current one.")
    .argument("<context>")
    .action(action(surroundings, use));
  context
    .command("remove")
    .description("Forgets a context with its key.")
    .argument("<context>")
    .action(action(surroundings, remove));
}

function list({ surroundings: { env }, options, out }: Task): void {
  const file = readContexts(env);
  const used = choosePlace(file, options, env);
  const contexts = Object.entries(file.contexts).map(([name, { url, key }]) => ({
    name,
    url,
    current: name === file.current,
    hasKey: key !== undefined,
  }));
  out.result({ contexts, url: used.url }, () =>
    contexts.length === 0
      ? []
      : table([
          ["", "NAME", "URL", "KEY"].map((head) => out.style("bold", head)),
          ...contexts.map(({ name, url, current, hasKey }) => [
            current ? "*" : "",
            name,
            url,
            hasKey ? "yes" : "no",
          ]),
        ]),
  );
  if (contexts.length === 0 && !out.json) out.note(`There are no contexts. Commands use ${used.url}.`);
  else if (used.context !== file.current && !out.json) out.note(`Commands use ${used.url}.`);
}

function add({ surroundings: { env }, out }: Task, name: string, url: string): void {
  if (!NAME.test(name)) {
    throw new UsageError(`${name} is not a name of a context: use letters, digits, dots and hyphens.`);
  }
  const file = readContexts(env);
  const before = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  const base = checkUrl(url);
  // A key belongs to the address that it was given for.
  const context = before?.url === base ? before : { url: base };
  writeContexts(env, { current: file.current ?? name, contexts: { ...file.contexts, [name]: context } });
  out.result({ name, url: base }, () => [`${name} is ${base}.`]);
}

function use({ surroundings: { env }, out }: Task, name: string): void {
  const file = readContexts(env);
  const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (context === undefined) throw unknownContext(name, file);
  writeContexts(env, { ...file, current: name });
  out.result({ name, url: context.url }, () => [`Commands now use ${name}, ${context.url}.`]);
  if (env.SKIFF_URL && !out.json)
    out.note(`SKIFF_URL is set to ${env.SKIFF_URL}, which wins over the context.`);
}

function remove({ surroundings: { env }, out }: Task, name: string): void {
  const file = readContexts(env);
  if (!Object.hasOwn(file.contexts, name)) throw unknownContext(name, file);
  const { [name]: _removed, ...contexts } = file.contexts;
  const { current, ...rest } = file;
  writeContexts(env, {
    ...rest,
    contexts,
    ...(current === undefined || current === name ? {} : { current }),
  });
  const next = current === name ? ` Commands now use ${DEFAULT_URL}.` : "";
  out.result({ name }, () => [`Removed ${name}.${next}`]);
}
