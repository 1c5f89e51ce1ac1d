import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { Api } from "../../api/api.ts";
import { readContexts, writeContexts } from "../../context/context-file.ts";
import { checkUrl, choosePlace } from "../../context/places.ts";
import { askHidden } from "../../input/ask-hidden.ts";
import { shown } from "../../output/output.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

export interface WhoAmI {
  readonly by: string;
  readonly scopes: readonly string[];
  readonly functions?: readonly string[];
}

interface LoginOptions {
  readonly name?: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly scope: string;
}

const EXAMPLES = `
Examples:
  skiff login https://skiff.example.com
  skiff login https://skiff.example.com < key.txt
  skiff login https://skiff.example.com --issuer https://login.example.com --client-id skiff`;

export function addLogin(program: Command, surroundings: Surroundings): void {
  program
    .command("login")
    .summary("keep a key for a Skiff")
    .description(
      `Keeps a key for a Skiff in a context, and makes that the current one. Asks for the key, or reads it from standard
input. With --issuer it opens a login in the browser instead (OIDC device flow).`,
    )
    .argument("[url]", "address of the Skiff; by default the current one")
    .option("--name <context>", "name of the context; by default the host of the address")
    .option("--issuer <url>", "OIDC issuer of the Skiff (SKIFF_OIDC_ISSUER there)")
    .option("--client-id <id>", "client of this command at the issuer")
    .option("--scope <scopes>", "scopes to ask the issuer for", "openid")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runLogin));
}

async function runLogin(task: Task<LoginOptions>, given: string | undefined): Promise<void> {
  const { options, surroundings, out } = task;
  const { env } = surroundings;
  const file = readContexts(env);
  const chosen = given === undefined ? choosePlace(file, options, env) : undefined;
  const url = chosen?.url ?? checkUrl(given!);
  const name = options.name ?? chosen?.context ?? nameOf(url, file.contexts);
  const key = options.issuer === undefined ? await readKey(task) : await loginInBrowser(task, options.issuer);
  const { by, scopes, functions } = await new Api({ url, key }).json<WhoAmI>("/whoami");
  writeContexts(env, { current: name, contexts: { ...file.contexts, [name]: { url, key } } });
  out.result({ context: name, url, by, scopes, functions }, () => [
    `Logged in to ${url} as ${shown(by)}, with the scopes ${scopes.join(", ")}.`,
    `Commands now use the context ${name}.`,
  ]);
}

/** The host of the address; a number more if another context has it. */
function nameOf(url: string, contexts: Readonly<Record<string, { readonly url: string }>>): string {
  const known = Object.entries(contexts).find(([, context]) => context.url === url)?.[0];
  const host = new URL(url).hostname.replaceAll(/[^\w.-]/g, "");
  let name = known ?? host;
  for (let number = 2; known === undefined && Object.hasOwn(contexts, name); number++)
    name = `${host}-${number}`;
  return name;
}

async function readKey({ surroundings: { stdin, stderr } }: Task<LoginOptions>): Promise<string> {
  const key = (stdin.isTTY ? await askHidden("Key: ", stdin, stderr) : await text(stdin)).trim();
  if (key === "") throw new UsageError("There is no key: type it, or give it on standard input.");
  if (/[^\x21-\x7e]/.test(key))
    throw new UsageError("The key has characters that no key has: give the key alone.");
  return key;
}

async function loginInBrowser({ options, out }: Task<LoginOptions>, issuer: string): Promise<string> {
  const { clientId, scope } = options;
  if (clientId === undefined)
    throw new UsageError("--issuer needs --client-id: the client of this command there.");
  const { deviceToken } = await import("../../oidc/device-token.ts");
  return deviceToken({ issuer, clientId, scope }, ({ url, code }) => {
    out.note(`Open ${shown(url)} and enter the code ${out.styleNote("bold", shown(code))}.`);
  });
}
