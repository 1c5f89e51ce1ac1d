/** A process that runs git: one that ends at once, or one that has no open file left for a while. Prints what it sees. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { toProblem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { programGit } from "../homes/program-git.ts";

const { git, close } = programGit();
const version = async () => String(await git.run(["version"], { repository: "/" })).split(" ")[0];

function shellWaits(): boolean {
  const args = ["-o", "args=", "--ppid", String(process.pid)];
  return execFileSync("ps", args, { encoding: "utf8" }).includes("no channel");
}

function takeAllFiles(): number[] {
  const files: number[] = [];
  try {
    for (;;) files.push(openSync("/dev/null", "r"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
  }
  return files;
}

if (process.argv[2] === "full") {
  const files = takeAllFiles();
  const { code, detail } = toProblem(await version().catch((error: unknown) => error));
  for (const file of files) closeSync(file);
  console.log(code, detail);
}
console.log(await version());
await eventually("a shell waits", shellWaits);
await close();
console.log("closed");
