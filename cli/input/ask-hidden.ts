import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { UsageError } from "../usage-error.ts";

/** Asks on a terminal, without showing what is typed. @throws UsageError after Ctrl-C */
export async function askHidden(
  question: string,
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
): Promise<string> {
  stderr.write(question);
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output, terminal: true });
  const stopped = new AbortController();
  lines.once("SIGINT", () => stopped.abort());
  try {
    return await lines.question("", { signal: stopped.signal });
  } catch {
    throw new UsageError("Nothing was changed.");
  } finally {
    lines.close();
    stderr.write("\n");
  }
}
