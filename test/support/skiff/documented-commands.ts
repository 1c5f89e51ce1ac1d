import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LONGEST_MS = 60_000;

export interface CommandPlace {
  /** Stands for http://localhost:8080. */
  readonly url: string;
  /** Where the commands run. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunBlock {
  /** The commands as the document shows them. */
  readonly text: string;
  readonly output: string;
}

export interface DocumentRun {
  readonly blocks: readonly RunBlock[];
  /** Returns the output of the first block that has this part. */
  readonly outputOf: (part: string) => string;
}

/** Returns the `sh` blocks of a document, without those under headings in `except`. */
export function shellBlocks(document: string, except: readonly string[] = []): string[] {
  const sections = readFileSync(`${ROOT}${document}`, "utf8").split(/^(?=#+ )/m);
  const shown = sections.filter((section) => !except.some((heading) => section.startsWith(`${heading}\n`)));
  return shown.flatMap((section) =>
    [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => text!),
  );
}

/**
 * Runs the `sh` blocks of a document in their order, as a person would. The commands must work: an answer of curl with
 * status 400 or above, or another failure, ends the run.
 */
export async function runDocument(
  document: string,
  { url, folder, env = {} }: CommandPlace,
  except: readonly string[] = [],
): Promise<DocumentRun> {
  const blocks: RunBlock[] = [];
  for (const text of shellBlocks(document, except)) {
    const commands = text.replaceAll("http://localhost:8080", url.replace("127.0.0.1", "localhost"));
    // Without it curl succeeds whatever the status is.
    const script = `curl() { command curl -sS --fail-with-body "$@"; }\n${commands}`;
    const options = { cwd: folder, env: { ...process.env, ...env }, timeout: LONGEST_MS };
    const { stdout } = await promisify(execFile)("sh", ["-eu", "-c", script], options).catch(
      (error: Error & { stdout?: string; stderr?: string }) => {
        throw new Error(`${document}: ${text}\n${error.message}\n${error.stdout}\n${error.stderr}`);
      },
    );
    blocks.push({ text, output: stdout });
  }
  const outputOf = (part: string) => {
    const found = blocks.find(({ text }) => text.includes(part));
    if (found === undefined) throw new Error(`No block of ${document} has ${part}`);
    return found.output;
  };
  return { blocks, outputOf };
}
