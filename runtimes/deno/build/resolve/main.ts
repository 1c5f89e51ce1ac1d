/**
 * The program that resolves the imports of a project. It unpacks the project into the folder of its run, lets Deno download
 * what it imports, and prints the packed whole, or the problem. It runs no code of the project or of a package.
 */
import { mkdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { replacedIn } from "../../../../client-image/node/uses.ts";
import {
  decodeFiles,
  encodeFiles,
  joinProject,
  type ProjectFiles,
  type ProjectLaunch,
} from "../../../../client-image/project/project-pack.ts";
import type { Replaced } from "../../../../client-image/start-message.ts";
import { Problem } from "../../../../platform/problems.ts";
import { artifactTooLarge } from "../build-problems.ts";
import {
  BROKEN_DOWNLOAD,
  PRINTED_PROBLEM,
  PRINTED_PROJECT,
  PROJECT_FILE,
  type ReportedProblem,
  type ResolveOrder,
} from "../tasks.ts";
import { BrokenDownload } from "./explain.ts";
import { Installation } from "./installation.ts";
import { readTree } from "./read-tree.ts";
import { remoteHosts } from "./remote-hosts.ts";

/** Fast: packages are compressed again in ConfigMaps, and instances wait for the other direction. */
const GZIP_LEVEL = 4;

async function resolve(order: ResolveOrder): Promise<Uint8Array> {
  const { deno, folder, entry, roots, importHosts, artifactBytes } = order;
  const root = join(folder, "project");
  const files = decodeFiles(readFileSync(join(folder, PROJECT_FILE)));
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }
  const installation = new Installation({ deno, root, entry, roots, importHosts });
  await installation.run(files);
  const whole = readTree(root, files, () => artifactTooLarge(artifactBytes));
  const body = gzipSync(Buffer.concat([...encodeFiles(whole)]), { level: GZIP_LEVEL });
  const { JSR_URL: jsrUrl } = process.env;
  const hosts = remoteHosts(whole.get("deno.lock"), jsrUrl);
  const launch: ProjectLaunch = {
    entry,
    replaced: replacedParts(whole),
    importHosts: hosts,
    ...(jsrUrl ? { jsrUrl } : {}),
  };
  const packed = joinProject(launch, body);
  if (packed.length > artifactBytes) throw artifactTooLarge(artifactBytes);
  return packed;
}

/** Reads every file of code, also those of packages. */
function replacedParts(files: ProjectFiles): Replaced[] {
  const parts = new Set<Replaced>();
  for (const [path, bytes] of files) {
    if (!/\.([cm]?[jt]s|[jt]sx)$/.test(path)) continue;
    for (const part of replacedIn(Buffer.from(bytes).toString("latin1"))) parts.add(part);
  }
  return [...parts];
}

function print(kind: string, bytes: Uint8Array): void {
  const whole = Buffer.concat([Buffer.from(kind), bytes]);
  for (let sent = 0; sent < whole.length; ) sent += writeSync(1, whole, sent);
}

function printProblem({ code, detail, extensions }: Problem): void {
  const reported: ReportedProblem = { code, detail, extensions };
  print(PRINTED_PROBLEM, Buffer.from(JSON.stringify(reported)));
}

/** Input ends with the process that started this one, however that ended. */
process.stdin.on("end", () => process.exit(1)).resume();

resolve(JSON.parse(process.argv[2]!) as ResolveOrder).then(
  (packed) => {
    print(PRINTED_PROJECT, packed);
    process.exit(0);
  },
  (error: unknown) => {
    if (error instanceof BrokenDownload) {
      printProblem(error.problem);
      process.exit(BROKEN_DOWNLOAD);
    }
    if (!(error instanceof Problem)) throw error;
    printProblem(error);
    process.exit(0);
  },
);
