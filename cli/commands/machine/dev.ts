import { resolve } from "node:path";
import type { Command } from "commander";
import type { Api } from "../../api/api.ts";
import { functionPath } from "../../api/functions.ts";
import { followLines } from "../../api/log-lines.ts";
import { checkUrl, DEFAULT_URL } from "../../context/places.ts";
import { DevLines } from "../../dev/dev-lines.ts";
import { DevLoop } from "../../dev/dev-loop.ts";
import { LocalSkiff } from "../../dev/local-skiff.ts";
import { nameFromPath } from "../../source/read-source.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { addSettingOptions, type SettingOptions, settingFields } from "../functions/setting-options.ts";

type DevCommandOptions = SettingOptions & { readonly name?: string };

const EXAMPLES = `
Examples:
  skiff dev hello.ts
  skiff dev ./shop --env GREETING=hello`;

export function addDev(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("dev")
    .summary("deploy on every save, with logs and calls")
    .description(
      `Deploys a function to a Skiff on this machine, and again on every save. Shows calls, logs and build errors.
Starts a Skiff if none answers at ${DEFAULT_URL}, and stops it at the end.`,
    )
    .argument("[path]", "a module or a folder", ".")
    .option("-n, --name <name>", "name of the function; by default that of the file or folder");
  addSettingOptions(command).addHelpText("after", EXAMPLES).action(action(surroundings, runDev));
}

async function runDev(task: Task<DevCommandOptions>, path: string): Promise<void> {
  const { options, surroundings, out } = task;
  const file = resolve(surroundings.cwd, path);
  const name = options.name ?? nameFromPath(file);
  const lines = new DevLines(out);
  const closing = new AbortController();
  // A context may be one that others use: only --url leaves this machine's default.
  const url = checkUrl(options.url ?? DEFAULT_URL);
  const skiff = new LocalSkiff({
    surroundings,
    url,
    onCall: (call) => {
      if (call.function === name) lines.called(call);
    },
  });
  let following: Promise<void> | undefined;
  let api: Api | undefined;
  const loop: DevLoop = new DevLoop({
    path: file,
    cwd: surroundings.cwd,
    name,
    fields: settingFields(options, surroundings.env),
    async api() {
      const wasOwn = skiff.isOwn;
      api = await skiff.api();
      if (skiff.isOwn && !wasOwn) lines.info(`Started Skiff at ${api.place.url}. Ctrl-C stops it.`);
      else if (!wasOwn)
        lines.info(
          `Using the Skiff at ${api.place.url}. Calls are shown by a Skiff that this command starts.`,
        );
      return api;
    },
    events: {
      deployed(deployed, ms) {
        lines.deployed(deployed, ms);
        if (api !== undefined) following ??= follow(api);
      },
      failed: (error) => lines.failed(error),
    },
  });
  const follow = async (api: Api) => {
    const { signal } = closing;
    const onLost = () => lines.info("The connection to the log was lost. Trying again.");
    try {
      for await (const line of followLines(
        api,
        functionPath(name, "/logs"),
        { tail: 0, raw: true },
        { signal, onLost },
      )) {
        lines.logged(line);
      }
    } catch (error) {
      lines.failed(error);
    }
  };
  const stop = () => {
    closing.abort();
    loop.close();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  await loop.run().finally(() => skiff.close());
  await following;
}
