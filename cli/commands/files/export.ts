import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import type { Command } from "commander";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

interface ExportOptions {
  readonly values?: boolean;
  readonly force?: boolean;
}

const EXAMPLES = `
Examples:
  skiff export ./functions
  skiff export backup.tar.gz
  skiff export ./functions && skiff apply ./functions --context other`;

export function addExport(program: Command, surroundings: Surroundings): void {
  program
    .command("export")
    .summary("write every function into a folder")
    .description(
      "Writes every function, with a skiff.yaml, into a folder or an archive that `skiff apply` takes.",
    )
    .argument("<path>", "an empty or new folder, or a file that ends with .tar.gz")
    .option("--values", "with values of variables, which may be secret")
    .option("--force", "write into a folder that has files, and over files")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runExport));
}

async function runExport(
  { api, options, out, surroundings }: Task<ExportOptions>,
  given: string,
): Promise<void> {
  const path = resolve(surroundings.cwd, given);
  const isArchive = /\.(?:tar\.gz|tgz)$/.test(given);
  if (!isArchive && !options.force) checkEmpty(path, given);
  const { body } = await api.open("/export", { query: { values: options.values } });
  // Values of variables may be in it.
  const mode = options.values ? 0o600 : 0o666;
  if (isArchive) {
    writeFileSync(path, await buffer(body), { mode, flag: options.force ? "w" : "wx" });
    out.result({ path }, () => [`Wrote ${given}.`]);
    return;
  }
  const { extract } = await import("tar-stream");
  const files: string[] = [];
  for await (const entry of body.pipe(createGunzip()).pipe(extract())) {
    const { name, type } = entry.header;
    const content = await buffer(entry);
    if (type !== "file") continue;
    const file = join(path, name);
    if (!file.startsWith(path + sep)) throw new Error(`The export has a file outside of it: ${name}.`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
    files.push(relative(path, file));
  }
  out.result({ path, files }, () => [`Wrote ${files.length} files into ${given}.`]);
}

function checkEmpty(path: string, given: string): void {
  try {
    if (readdirSync(path).length === 0) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new UsageError(`${given} cannot be written to: ${(error as Error).message}.`);
  }
  throw new UsageError(`${given} is not empty: choose another folder, or use --force.`);
}
