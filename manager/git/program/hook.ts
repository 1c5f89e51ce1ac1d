import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { printable } from "../../../process/printable.ts";
import type { RefUpdate } from "../repository.ts";

/**
 * Asks Skiff about a push. Descriptor 3 leads to it through `git http-backend` and `git receive-pack`; its end means that
 * Skiff has ended. Every line of an option is marked, so that one with line breaks cannot forge another line. The shell
 * marks the first updates itself, although it reads byte by byte: to start `sed` takes longer.
 */
export const PRE_RECEIVE = `#!/bin/sh
{
  printf 'objects %s\\n' "$GIT_QUARANTINE_PATH"
  i=0
  while [ "$i" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    eval "option=\\$GIT_PUSH_OPTION_$i"
    while IFS= read -r line; do printf 'option %s\\n' "$line"; done <<.
$option
.
    i=$((i + 1))
  done
  i=0
  while [ "$i" -lt 20 ] && IFS= read -r line; do
    printf 'update %s\\n' "$line"
    i=$((i + 1))
  done
  [ "$i" -lt 20 ] || sed 's/^/update /'
  echo end
} >&3
while IFS= read -r line <&3; do
  case $line in
    "say "*) printf '%s\\n' "\${line#say }" ;;
    "exit "*) exit "\${line#exit }" ;;
  esac
done
echo "Skiff ended before it had decided about this push: push again."
exit 1
`;

/** What the hook says of a push. */
export interface HookedPush {
  /** The folder with the new objects; undefined if git received none. */
  readonly objects: string | undefined;
  readonly options: readonly string[];
  readonly updates: readonly RefUpdate[];
}

const UPDATE = /^update ([0-9a-f]{40}) ([0-9a-f]{40}) (refs\/.{1,1000})$/;
/** Lines of a push: its refs and options. */
const MOST_LINES = 10_000;

/**
 * Serves the hook of one push: reads what it says, and answers with the lines of `decide` and whether the push is accepted.
 * Resolves when the hook has its answer, or without one if git ended before it asked.
 * @param decide resolves with whether the push is accepted; never rejects
 */
export async function serveHook(
  channel: Readable & Writable,
  decide: (push: HookedPush, say: (line: string) => void) => Promise<boolean>,
): Promise<void> {
  const write = (text: string) => void (channel.writable && channel.write(text));
  const say = (line: string) => {
    for (const each of line.split("\n")) write(`say ${printable(each)}\n`);
  };
  const push = await readPush(channel);
  if (push === undefined) return;
  if (push.lines > MOST_LINES) {
    say(`The push has over ${MOST_LINES} branches, tags and options: push fewer at a time.`);
    write("exit 1\n");
    return;
  }
  const isAccepted = await decide(push, say);
  write(`exit ${isAccepted ? 0 : 1}\n`);
}

/** Undefined if the channel ends before the push is complete. */
async function readPush(channel: Readable): Promise<(HookedPush & { readonly lines: number }) | undefined> {
  const options: string[] = [];
  const updates: RefUpdate[] = [];
  let objects: string | undefined;
  let lines = 0;
  for await (const line of createInterface({ input: channel, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "end") return { objects, options, updates, lines };
    // The hook writes all of it before it reads an answer.
    if (++lines > MOST_LINES) continue;
    const update = UPDATE.exec(line);
    if (update) updates.push({ from: update[1]!, to: update[2]!, ref: update[3]! });
    else if (line.startsWith("option ")) options.push(line.slice("option ".length));
    else if (line.startsWith("objects ")) objects = line.slice("objects ".length) || undefined;
    else throw new Error(`a hook of git printed ${JSON.stringify(line.slice(0, 200))}`);
  }
  return undefined;
}
