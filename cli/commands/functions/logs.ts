import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { followLines, type LogLine, readLines } from "../../api/log-lines.ts";
import { type Output, type Style, shown } from "../../output/output.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

interface LogOptions extends Readonly<Record<string, unknown>> {
  readonly follow?: boolean;
  readonly raw?: boolean;
}

const FILTERS: readonly (readonly [flag: string, description: string])[] = [
  ["since <time>", "from a time on: 15m, 2h, 3d, or 2026-11-29T14:00:00Z"],
  ["until <time>", "until a time"],
  ["call <id>", "only lines of one call"],
  ["level <level>", "debug, info, warn or error, and higher ones"],
  ["version <n>", "only lines of one version"],
  ["search <text>", "only lines with this text"],
  ["status <status>", "only failed calls with a status, such as 502 or 5xx"],
];

const COLOURS: Readonly<Record<string, Style>> = { error: "red", warn: "yellow", debug: "dim" };

const EXAMPLES = `
Examples:
  skiff logs hello
  skiff logs hello -f --tail 20
  skiff logs hello --since 15m --level error
  skiff logs hello --call 3f2a7c1e-…      (the header x-skiff-call-id of an answer)`;

export function addLogs(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("logs")
    .summary("print what a function printed")
    .description(
      "Prints the log of a function: time, version, instance, stream, level, call and text of each line.",
    )
    .argument("<function>", "name of the function")
    .option("-f, --follow", "go on until Ctrl-C, also after a lost connection")
    .option("-n, --tail <lines>", "last lines to begin with; 100 by default")
    .option("--raw", "keep control characters and escape sequences");
  for (const [flag, description] of FILTERS) command.option(`--${flag}`, description);
  command.addHelpText("after", EXAMPLES).action(action(surroundings, runLogs));
}

async function runLogs({ api, options, out }: Task<LogOptions>, name: string): Promise<void> {
  const { follow, raw } = options;
  const names = ["tail", ...FILTERS.map(([flag]) => flag.split(" ")[0]!)];
  const query = Object.fromEntries(names.map((each) => [each, options[each] as string | undefined]));
  const all = { ...query, raw: true };
  const path = functionPath(name, "/logs");
  const lines = follow
    ? followLines(api, path, all, {
        // It ends with the command.
        signal: new AbortController().signal,
        onLost: ({ message }) => out.note(`${message} Trying again.`),
      })
    : readLines(api, path, all);
  for await (const line of lines) {
    if (out.json) out.line(JSON.stringify(line));
    else print(line, out, raw === true);
  }
}

function print(line: LogLine, out: Output, isRaw: boolean): void {
  const { at, version, instance, stream, level, callId, text } = line;
  const columns = [at, version === undefined ? "-" : `v${version}`, instance || "-", stream, level ?? "-"];
  const start = out.style("dim", [...columns, callId ?? "-"].join(" "));
  for (const part of text.split("\n")) {
    const visible = isRaw ? part.replaceAll("\r", "\\r") : shown(part);
    const colour = COLOURS[level ?? ""];
    out.line(`${start} ${colour === undefined ? visible : out.style(colour, visible)}`);
  }
}
