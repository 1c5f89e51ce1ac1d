import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PERSON } from "./person.ts";

export interface GitResult {
  readonly code: number | null;
  readonly stdout: string;
  /** With the lines that the server sent, without their mark. */
  readonly stderr: string;
}

export interface PushOptions {
  /** Gets what git prints on standard error as it comes. */
  readonly onText?: (text: string) => void;
  readonly to?: string;
  readonly options?: readonly string[];
  readonly more?: readonly string[];
}

/** Somebody with a working folder and the git of this machine, without configuration of their own. */
export class GitUser {
  readonly folder: string;
  #clock = 1_700_000_000;

  constructor(folder = mkdtempSync(join(tmpdir(), "skiff-git-user-"))) {
    this.folder = folder;
  }

  /** A user with an empty repository whose remote is `url`. */
  static async init(url: string): Promise<GitUser> {
    const user = new GitUser();
    await user.git("init", "-q", "-b", "main");
    await user.git("remote", "add", "origin", url);
    return user;
  }

  static async clone(url: string): Promise<GitUser> {
    const user = new GitUser();
    await user.git("clone", "-q", url, ".");
    return user;
  }

  /** Runs git to its end. */
  run(...args: readonly string[]): Promise<GitResult> {
    return this.#run(args);
  }

  async #run(args: readonly string[], onText?: (text: string) => void): Promise<GitResult> {
    const child = spawn("git", args, {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        LC_ALL: "C",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
        ...PERSON,
        GIT_AUTHOR_DATE: `${this.#clock} +0000`,
        GIT_COMMITTER_DATE: `${this.#clock++} +0000`,
      },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
      onText?.(chunk.toString());
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stdout, stderr: stderr.replace(/^remote: ?(.*?) *$/gm, "$1") };
  }

  /** Runs git, which must work. Returns what it prints on standard output. */
  async git(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout.trim();
  }

  write(files: Readonly<Record<string, string | Uint8Array>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** Commits files. Returns the id of the commit. */
  async commit(files: Readonly<Record<string, string | Uint8Array>>, message = "Change"): Promise<string> {
    this.write(files);
    await this.git("add", "-A");
    await this.git("commit", "-q", "--allow-empty", "-m", message);
    return await this.git("rev-parse", "HEAD");
  }

  push({
    to = "HEAD:refs/heads/main",
    options = [],
    more = [],
    onText,
  }: PushOptions = {}): Promise<GitResult> {
    const flags = options.flatMap((option) => ["-o", option]);
    return this.#run(["push", ...flags, ...more, "origin", to], onText);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
