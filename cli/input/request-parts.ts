import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Surroundings } from "../task.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Returns the body that `--data` names: text, `@FILE`, or `@-` for standard input.
 * @throws UsageError for a file that cannot be read
 */
export async function readData(
  data: string | undefined,
  { cwd, stdin }: Pick<Surroundings, "cwd" | "stdin">,
): Promise<Buffer | undefined> {
  if (data === undefined) return undefined;
  if (!data.startsWith("@")) return Buffer.from(data);
  if (data === "@-") return buffer(stdin);
  try {
    return readFileSync(resolve(cwd, data.slice(1)));
  } catch (error) {
    throw new UsageError(`--data ${data} cannot be read: ${(error as Error).message}.`);
  }
}

/** Returns the headers that `--header` gives, by lower-case names. @throws UsageError */
export function readHeaders(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(texts.map(parseHeader));
}

function parseHeader(text: string): [name: string, value: string] {
  const at = text.indexOf(":");
  if (at > 0) return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
  throw new UsageError(`--header ${text} is not a header: use 'NAME: VALUE'.`);
}
