import { PassThrough, Readable } from "node:stream";
import { runProgram } from "../../../cli/program.ts";

export interface InProcessOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command `skiff` in this process, which is much faster than a process for each command line. */
export class CommandInProcess {
  /** The working folder. */
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#env = { HOME: folder, ...env };
  }

  /** Runs a command to its end. */
  async run(
    args: readonly string[],
    { input = "", env = {} }: InProcessOptions = {},
  ): Promise<CommandResult> {
    const [stdout, stderr] = [collector(), collector()];
    const code = await runProgram(args, {
      host: { program: "", serve: async () => 0 },
      env: { ...this.#env, ...env },
      cwd: this.folder,
      stdin: Readable.from([Buffer.from(input)]) as NodeJS.ReadStream,
      stdout: stdout.stream,
      stderr: stderr.stream,
    });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  }

  /** Runs a command that must work. Returns what it prints on standard output. */
  async output(args: readonly string[], options: InProcessOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`skiff ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same with `--json`. */
  async json<T = Record<string, unknown>>(
    args: readonly string[],
    options: InProcessOptions = {},
  ): Promise<T> {
    return JSON.parse(await this.output([...args, "--json"], options)) as T;
  }
}

function collector(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const parts: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), {
    write(part: string | Uint8Array) {
      parts.push(Buffer.from(part as string));
      return true;
    },
  }) as unknown as NodeJS.WriteStream;
  return { stream, text: () => Buffer.concat(parts).toString() };
}
