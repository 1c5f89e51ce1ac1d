import type { PlannedCommit, PlannedFile } from "./plan-import.ts";
import type { NewCommit } from "./tree.ts";

/**
 * `git fast-import` builds on a branch. It writes refs at its end only, and this branch is reset to nothing before: the
 * ref never exists, and imports at the same time do not wait for each other.
 */
const REF = "refs/skiff/import";

/** Writes commits in the language of `git fast-import`, which prints the id of each. */
export function* importStream(commits: readonly PlannedCommit[]): Generator<Uint8Array | string> {
  yield "feature done\n";
  for (const planned of commits) {
    const { commit, mark, from, removed, entries, files } = planned;
    for (const file of files) if (file.mark !== undefined) yield* blob(file, `mark :${file.mark}\n`);
    if (from === undefined) yield `reset ${REF}\n`;
    yield `commit ${REF}\nmark :${mark}\n${signature(commit)}`;
    yield* data(messageOf(commit));
    if (from !== undefined) yield `from ${from}\n`;
    if (removed.length === 0) yield "deleteall\n";
    for (const path of removed) yield `D ${quoted(path)}\n`;
    for (const [path, { mode, object }] of entries) yield `M ${mode} ${object} ${quoted(path)}\n`;
    for (const file of files) {
      if (file.mark !== undefined) yield `M ${file.mode} :${file.mark} ${quoted(file.path)}\n`;
      else {
        yield `M ${file.mode} inline ${quoted(file.path)}\n`;
        yield* data(file.content);
      }
    }
    yield `\nget-mark :${mark}\n`;
  }
  yield `reset ${REF}\ndone\n`;
}

function* blob({ content }: PlannedFile, mark: string): Generator<Uint8Array | string> {
  yield `blob\n${mark}`;
  yield* data(content);
}

function* data(content: Uint8Array): Generator<Uint8Array | string> {
  yield `data ${content.length}\n`;
  yield content;
  yield "\n";
}

/** A path with any characters but NUL. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

function signature({ author, at }: NewCommit): string {
  // Git ends a name at these.
  const name =
    author
      .replace(/[<>\p{Cc}]/gu, " ")
      .replace(/ +/g, " ")
      .trim() || "skiff";
  const slug =
    name
      .toLowerCase()
      .replace(/[^a-z0-9.]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, "") || "skiff";
  const line = `${name} <${slug}@skiff> ${Math.max(0, Math.floor(at.getTime() / 1_000))} +0000`;
  return `author ${line}\ncommitter ${line}\n`;
}

function messageOf({ message }: NewCommit): Uint8Array {
  const text = message.replaceAll("\0", "").replace(/\r\n?/g, "\n").trimEnd();
  return Buffer.from(`${text || "Deploy"}\n`);
}
