export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command `skiff`, in a process of its own or in this one. */
export abstract class Command<Options> {
  /** Runs a command to its end. */
  abstract run(args: readonly string[], options?: Options): Promise<CommandResult>;

  /** Runs a command that must work. Returns what it prints on standard output. */
  async output(args: readonly string[], options?: Options): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`skiff ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same with `--json`. */
  async json<T = Record<string, unknown>>(args: readonly string[], options?: Options): Promise<T> {
    return JSON.parse(await this.output([...args, "--json"], options)) as T;
  }
}
