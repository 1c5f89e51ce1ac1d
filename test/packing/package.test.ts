import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { processesWith } from "../support/instances/processes.ts";
import { networkEnvironment } from "../support/network-environment.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");
/** npm unpacks 400 MB. */
const INSTALL_MS = 300_000;

/** What a person has who never saw the checkout: also another Node, or none but that of npm. */
function plainEnvironment(): Record<string, string> {
  const { PATH = "", ...others } = networkEnvironment();
  const outside = PATH.split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...others, PATH: outside.join(delimiter) };
}

describe("the npm package", function () {
  this.timeout(INSTALL_MS);
  // Each test needs what the one before did.
  this.bail(true);
  let folder: string;
  let serving: ChildProcess | undefined;
  let output = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-package-"));
  });
  after(() => {
    for (const pid of processesWith(folder)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const skiff = (args: readonly string[]) =>
    run(join(folder, "prefix/bin/skiff"), [...args], {
      cwd: folder,
      env: { ...plainEnvironment(), HOME: folder },
      timeout: 60_000,
    });

  it("installs into an empty prefix, as plain JavaScript", async () => {
    const env = networkEnvironment();
    await run("npm", ["pack", "--pack-destination", folder], { cwd: ROOT, env });
    const [tarball] = globSync("skiff-*.tgz", { cwd: folder });
    const options = ["--no-audit", "--no-fund", "--prefer-offline"];
    const prefix = ["--global", "--prefix", join(folder, "prefix")];
    await run("npm", ["install", ...prefix, ...options, join(folder, tarball!)], { cwd: folder, env });
    const files = globSync("prefix/lib/node_modules/skiff/{bin,dist}/**/*.*", { cwd: folder });
    assert.ok(files.length > 300);
    // The adapters are what instances start, in the language of the handler.
    const adapters = ["node.mjs", "python.py"].map((file) => `runtimes/program/adapters/${file}`);
    const others = files
      .filter((file) => !/\.(js|json)$/.test(file))
      .map((file) => file.replace("prefix/lib/node_modules/skiff/dist/", ""));
    const isPage = (file: string) => file.startsWith("dashboard/assets/");
    assert.deepEqual(others.filter((file) => !isPage(file)).toSorted(), adapters);
    assert.ok(others.includes("dashboard/assets/index.html"));
    assert.match((await skiff(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it("serves, with workers as well, and runs the commands of README", async () => {
    const args = ["serve", "--port", "0", "--data", join(folder, "data"), "--workers", "2"];
    serving = spawn(join(folder, "prefix/bin/skiff"), args, {
      env: { ...plainEnvironment(), HOME: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [serving.stdout!, serving.stderr!]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    }
    const isListening = () => {
      if (serving!.exitCode !== null) throw new Error(`skiff serve ended:\n${output}`);
      return /listens on http:/.test(output);
    };
    await eventually("Skiff listens", isListening, 60_000);
    const url = /listens on (http:\S+)/.exec(output)![1]!;
    const [shown] = /(?<=^```ts\n)[\s\S]*?(?=^```)/m.exec(README) ?? [];
    writeFileSync(join(folder, "hello.ts"), shown!);
    await skiff(["context", "add", "here", url]);

    const lines = README.split("\n").filter((line) => line.startsWith("curl "));
    assert.ok(lines.length >= 14);
    for (const line of lines) {
      const here = line
        .replaceAll("http://localhost:8080", url)
        .replace(/@(?:examples\/)?(?=\w+\.ts)/, (at) => `@${at === "@" ? folder : join(ROOT, "examples")}/`);
      await run("sh", ["-c", `${here} -sS --fail-with-body`]).catch((error: Error & { stdout: string }) => {
        throw new Error(`${line}: ${error.stdout}\n${output}`);
      });
    }
    assert.equal((await skiff(["call", "hello?name=Ada"])).stdout, '{"hello":"Ada"}');
  });

  it("deploys with the installed command", async () => {
    writeFileSync(join(folder, "word.ts"), 'export const word = "installed";\n');
    writeFileSync(
      join(folder, "other.ts"),
      'import { word } from "./word.ts";\nexport default () => word;\n',
    );
    await skiff(["deploy", "other.ts"]);
    assert.equal((await skiff(["call", "other"])).stdout, "installed");
    assert.match((await skiff(["list"])).stdout, /^other +1 /m);
  });

  it("stops on a signal", async () => {
    serving!.kill("SIGTERM");
    const [code] = (await once(serving!, "exit")) as [number | null];
    assert.equal(code, 0, output);
    await eventually("no process is left", () => processesWith(folder).length === 0);
  });
});
