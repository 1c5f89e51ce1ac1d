import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { type Git, GitFailed, type GitOptions } from "../../../manager/git/program/git.ts";

/** An entry of a tree, as a client could send it. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly id: string;
  readonly mode?: string;
}

/** A bare repository whose objects are written byte by byte, so that they may be as git never makes them. */
export class RawRepository {
  readonly path = mkdtempSync(join(tmpdir(), "skiff-git-"));
  readonly git: Git = new PlainGit();

  constructor() {
    for (const folder of ["objects", "refs/heads"]) mkdirSync(join(this.path, folder), { recursive: true });
    writeFileSync(join(this.path, "HEAD"), "ref: refs/heads/main\n");
  }

  blob(content: string | Uint8Array): string {
    return this.#write("blob", Buffer.from(content));
  }

  tree(...entries: readonly RawEntry[]): string {
    const parts = entries.flatMap(({ name, id, mode = "100644" }) => [
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.from([0]),
      Buffer.from(id, "hex"),
    ]);
    return this.#write("tree", Buffer.concat(parts));
  }

  /** The tree of a few files with the same content, in the order of git. */
  files(...names: readonly string[]): string {
    const id = this.blob("content");
    return this.tree(...names.map((name) => ({ name, id })));
  }

  commit(tree: string, { parents = [], message = "a commit\n" }: CommitParts = {}): string {
    const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)];
    const head = Buffer.from(`${lines.join("\n")}\nauthor A <a@b> 1700000000 +0000\n`);
    return this.#write(
      "commit",
      Buffer.concat([head, Buffer.from("committer A <a@b> 1700000000 +0000\n\n"), Buffer.from(message)]),
    );
  }

  /** A commit with exactly these bytes. */
  rawCommit(content: string | Uint8Array): string {
    return this.#write("commit", Buffer.from(content));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  #write(type: string, content: Buffer): string {
    const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
    const id = createHash("sha1").update(bytes).digest("hex");
    const folder = join(this.path, "objects", id.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, id.slice(2)), deflateSync(bytes, { level: 1 }));
    return id;
  }
}

interface CommitParts {
  readonly parents?: readonly string[];
  readonly message?: string | Uint8Array;
}

/** Git with no configuration at all. */
class PlainGit implements Git {
  async run(args: readonly string[], options: GitOptions): Promise<Buffer> {
    const { stdin, stdout, ended } = this.start(args, options);
    stdin.end(options.input);
    const printed = Buffer.concat(await stdout.toArray());
    await ended;
    return printed;
  }

  start(args: readonly string[], { repository, objects, signal }: GitOptions) {
    signal?.throwIfAborted();
    const env: Record<string, string> = {
      PATH: process.env.PATH ?? "",
      GIT_DIR: repository,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    };
    if (objects !== undefined) {
      env.GIT_OBJECT_DIRECTORY = objects;
      env.GIT_ALTERNATE_OBJECT_DIRECTORIES = join(repository, "objects");
    }
    const child = spawn("git", args, { env, cwd: repository });
    const stop = () => void child.kill("SIGKILL");
    signal?.addEventListener("abort", stop);
    child.stdin.on("error", () => {});
    const ended = endOf(child, args[0]!, signal);
    ended.catch(() => {});
    return { stdin: child.stdin, stdout: child.stdout, ended };
  }
}

async function endOf(child: ChildProcess, command: string, signal: AbortSignal | undefined): Promise<void> {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  signal?.throwIfAborted();
  if (code !== 0) throw new GitFailed(command, { exitCode: code ?? undefined, stderr });
}
