import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import { Engine } from "../../platform/local/engine/engine.ts";
import { EngineGone } from "../../platform/local/engine/engine-error.ts";
import { eventually } from "./eventually.ts";
import { notTried } from "./not-tried.ts";

/** Busybox: sh, cat, sleep, httpd, nc, env… */
export const BOX = "localhost/box:1";

/** A real engine with a storage of its own. */
export interface TestEngine {
  readonly engine: Engine;
  readonly socket: string;
  /** Has the folder `box` with the files of BOX. */
  readonly folder: string;
  /** Runs `podman` against its storage. */
  podman(...args: string[]): string;
  /** Makes an image of a folder. */
  import(folder: string, name: string, changes?: readonly string[]): void;
  close(): void;
}

type Started = TestEngine | { readonly reason: string };

let shared: Promise<Started> | undefined;

/** The engine that all tests of this run share. It starts with the first one; without Podman the test is skipped. */
export async function sharedEngine(test: Context): Promise<TestEngine> {
  shared ??= start();
  const started = await shared;
  return "reason" in started ? notTried(test, started.reason) : started;
}

// Of the root suite: it runs after all tests.
after(async function () {
  this.timeout(60_000);
  const started = await shared;
  if (started && "close" in started) started.close();
});

async function start(): Promise<Started> {
  if (process.platform !== "linux") return { reason: "only Linux has containers" };
  if (process.getuid?.() !== 0) return { reason: "the engine of the tests needs root" };
  for (const tool of ["podman", "runc", "busybox"]) {
    if (spawnSync(tool, ["--help"], { stdio: "ignore" }).error) {
      return {
        reason: `${tool} is not installed (apt install podman runc netavark aardvark-dns iptables busybox-static)`,
      };
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-engine-"));
  const env = { ...process.env, ...configure(folder) };
  const podman = (...args: string[]) =>
    execFileSync("podman", args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const socket = join(folder, "sock");
  importFolder(podman, makeBox(folder), BOX, ["ENV PATH=/bin", 'CMD ["/bin/sh"]']);
  const service = spawn("podman", ["system", "service", "--time=0", `unix://${socket}`], {
    // Where conmon leaves files.
    cwd: folder,
    env,
    stdio: "ignore",
    detached: true,
  });
  const engine = new Engine(socket);
  const close = () => {
    spawnSync("podman", ["rm", "--all", "--force", "--time", "0"], { env, stdio: "ignore" });
    service.kill("SIGKILL");
    spawnSync("podman", ["system", "reset", "--force"], { env, stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually("the engine answers", () => isThere(engine), 20_000);
  } catch (error) {
    close();
    return { reason: `Podman does not start: ${(error as Error).message}` };
  }
  return {
    engine,
    socket,
    folder,
    podman,
    import: (from, name, changes = []) => importFolder(podman, from, name, changes),
    close,
  };
}

async function isThere(engine: Engine): Promise<boolean> {
  try {
    await engine.info();
    return true;
  } catch (error) {
    if (error instanceof EngineGone) return false;
    throw error;
  }
}

/** Storage without kernel modules, and the runtime that accepts every layout of control groups. */
function configure(folder: string): Record<string, string> {
  const containers = join(folder, "containers.conf");
  const storage = join(folder, "storage.conf");
  const registries = join(folder, "registries.conf");
  // Registries of tests speak HTTP.
  writeFileSync(registries, '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n');
  writeFileSync(
    containers,
    `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "${join(folder, "tmp")}"
[network]
network_backend = "netavark"
network_config_dir = "${join(folder, "networks")}"
`,
  );
  writeFileSync(
    storage,
    `[storage]\ndriver = "vfs"\nrunroot = "${join(folder, "run")}"\ngraphroot = "${join(folder, "graph")}"\n`,
  );
  return {
    CONTAINERS_CONF: containers,
    CONTAINERS_STORAGE_CONF: storage,
    CONTAINERS_REGISTRIES_CONF: registries,
  };
}

function makeBox(folder: string): string {
  const root = join(folder, "box");
  for (const name of ["bin", "proc", "sys", "dev", "tmp", "etc"])
    mkdirSync(join(root, name), { recursive: true });
  // Podman gives the mode of the image's folder to the one in memory.
  chmodSync(join(root, "tmp"), 0o1777);
  const binary = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
  writeFileSync(join(root, "bin/busybox"), readFileSync(binary), { mode: 0o755 });
  const applets = execFileSync(binary, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) {
    if (!existsSync(join(root, "bin", applet))) symlinkSync("busybox", join(root, "bin", applet));
  }
  return root;
}

function importFolder(
  podman: TestEngine["podman"],
  folder: string,
  name: string,
  changes: readonly string[],
): void {
  const tar = `${folder}.tar`;
  execFileSync("tar", ["-C", folder, "-cf", tar, "."]);
  podman("import", ...changes.flatMap((change) => ["--change", change]), tar, name);
  rmSync(tar);
}
