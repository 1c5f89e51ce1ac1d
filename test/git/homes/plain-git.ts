import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Git, GitFailed, type GitOptions, type RunningGit } from "../../../manager/git/program/git.ts";

/** The git of the machine, without configuration of its user. */
export const plainGit: Git = {
  async run(args, options): Promise<Buffer> {
    const { stdin, stdout, ended } = plainGit.start(args, options);
    stdin.end(options.input);
    const chunks = await stdout.toArray();
    await ended;
    return Buffer.concat(chunks as Buffer[]);
  },

  start(args, { repository, objects, env }: GitOptions): RunningGit {
    const child = spawn("git", [...args], {
      cwd: repository,
      env: {
        PATH: process.env.PATH,
        GIT_DIR: repository,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        ...(objects && {
          GIT_OBJECT_DIRECTORY: objects,
          GIT_ALTERNATE_OBJECT_DIRECTORIES: `${repository}/objects`,
        }),
        ...env,
      },
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += String(text);
    });
    child.stdin.on("error", () => {});
    const ended = once(child, "close").then(([exitCode]: (number | null)[]) => {
      if (exitCode !== 0) throw new GitFailed(args[0]!, { exitCode: exitCode ?? undefined, stderr });
    });
    ended.catch(() => {});
    return { stdin: child.stdin, stdout: child.stdout, ended };
  },
};
