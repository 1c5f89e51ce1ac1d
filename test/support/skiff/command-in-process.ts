import { PassThrough, Readable } from "node:stream";
import { runProgram } from "../../../cli/program.ts";
import type { CommandResult } from "./command-line.ts";

/** The command `skiff` in this process, which is much faster than a process for each command line. */
export class CommandInProcess {
  readonly #cwd: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(cwd: string, env: Readonly<Record<string, string>>) {
    this.#cwd = cwd;
    this.#env = { HOME: cwd, ...env };
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input = ""): Promise<CommandResult> {
    const [stdout, stderr] = [collector(), collector()];
    const code = await runProgram(args, {
      host: { program: "", serve: async () => 0 },
      env: this.#env,
      cwd: this.#cwd,
      stdin: Readable.from([Buffer.from(input)]) as NodeJS.ReadStream,
      stdout: stdout.stream,
      stderr: stderr.stream,
    });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  }

  /** Runs a command that must work. Returns what it prints on standard output. */
  async output(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`skiff ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same with `--json`. */
  async json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.output([...args, "--json"])) as T;
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
