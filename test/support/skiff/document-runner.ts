import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DocumentRun, runDocument } from "./documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "./started-skiff.ts";

/**
 * Adds hooks to the suite, which start a Skiff for the commands of a document and make the folder where they run.
 * @param envOf variables of Skiff, which may name files of the folder
 * @returns runs the commands
 */
export function documentRunner(
  document: string,
  envOf: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): () => Promise<DocumentRun> {
  let skiff: StartedSkiff;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-docs-"));
    skiff = await startedSkiff({ env: envOf(folder) });
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return () => runDocument(document, { url: skiff.url, folder });
}
