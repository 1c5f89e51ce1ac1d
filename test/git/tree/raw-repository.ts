import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { gitProgramIn } from "../homes/program-git.ts";

/** An entry of a tree, as a client could send it. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly id: string;
  readonly mode?: string;
}

/** A bare repository whose objects are written byte by byte, so that they may be as git never makes them. */
export class RawRepository {
  readonly path = mkdtempSync(join(tmpdir(), "skiff-git-"));
  readonly git = gitProgramIn(join(this.path, "empty"));

  constructor() {
    for (const folder of ["objects/pack", "refs/heads", "empty"])
      mkdirSync(join(this.path, folder), { recursive: true });
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
