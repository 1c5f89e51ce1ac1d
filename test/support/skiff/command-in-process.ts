import { PassThrough, Readable } from "node:stream";
import { runProgram } from "../../../cli/program.ts";
import { Command, type CommandResult } from "./command.ts";

export interface InProcessOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The command `skiff` in this process, which is much faster than a process for each command line. */
export class CommandInProcess extends Command<InProcessOptions> {
  /** The working folder. */
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    super();
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
