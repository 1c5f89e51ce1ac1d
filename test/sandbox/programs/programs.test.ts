import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MOST_WAIT_MS, WAIT_HEADER } from "../../../client-image/start-message.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { LocalPlatform } from "../../../platform/local/local-platform.ts";
import type { WallKind } from "../../../platform/local/wall/profile.ts";
import { lastDescendant } from "../../../platform/local/wall/sandbox.ts";
import { Semaphore } from "../../../process/semaphore.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { programDraft } from "../../support/packed-program.ts";
import { publish, servingOf } from "../../support/platform/deploying.ts";
import { needsWall } from "../../support/skiff/walls.ts";
import { PROGRAM_ATTEMPTS, type ProgramAttempt } from "./program-attempts.ts";

/** In the environment and the files of another function, and beside them: no program may get it. */
const MARKER = "marker-of-somebody-else";
const AT_ONCE = 4;
const ALL_MS = 90_000;
/** Runs the script that it gets, and answers with all that this prints. */
const SHELL = '#!/bin/sh\nexec 2>&1\nscript=$(cat)\neval "$script"\n';
const LIMITS = limitsFromEnv({ SKIFF_SCRATCH: "64Mi", SKIFF_PROCESSES: "128" });

for (const kind of ["bwrap", "bwrap-plain"] as const) {
  describe(`a program behind a wall of ${kind}`, () => {
    let scene: Scene;
    const outcomes = new Map<string, string>();
    // Their folders in memory differ; what they unshare is the same.
    const attempts =
      kind === "bwrap" ? PROGRAM_ATTEMPTS : PROGRAM_ATTEMPTS.filter(({ isAboutFiles }) => isAboutFiles);
    before(async function () {
      needsWall(this, kind);
      this.timeout(ALL_MS);
      scene = await Scene.open(kind);
      const patient = attempts.filter(({ isGreedy }) => !isGreedy);
      const run = async ({ title, script }: ProgramAttempt) => outcomes.set(title, await scene.run(script));
      const places = new Semaphore({ places: AT_ONCE });
      const { signal } = new AbortController();
      await Promise.all(patient.map((attempt) => places.run(() => run(attempt), signal)));
      for (const greedy of attempts.filter(({ isGreedy }) => isGreedy)) await run(greedy);
    });
    after(() => scene?.close());

    for (const { title, expect } of attempts) {
      it(`is held when it ${title}`, () => assert.match(outcomes.get(title) ?? "", expect));
    }

    it("got nothing of somebody else, and changed nothing", () => {
      assert.ok(![...outcomes.values()].some((outcome) => outcome.includes(MARKER)));
      scene.checkOutside();
    });

    it("is ended when it uses more memory than it may", async () => {
      const hog = `perl -e '$x = "a" x (700 * 1024 * 1024); sleep 20; print "had it"'`;
      const outcome = await scene.run(hog).catch((error: Error) => error.message);
      assert.doesNotMatch(outcome, /had it/);
    });

    it("leaves nothing behind", async () => {
      await scene.close();
      await eventually("every process has ended", () => scene.processes().length === 0);
    });
  });
}

class Scene {
  readonly #folder: string;
  readonly #platform: LocalPlatform;
  readonly #tcp: Server;
  readonly #abstract: Server;
  readonly #variables: string;
  readonly #namespaces: ReadonlySet<string>;
  #closed: Promise<void> | undefined;

  static async open(kind: WallKind): Promise<Scene> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-programs-")));
    process.env.SKIFF_SECRET = MARKER;
    const options = { dataFolder: join(folder, "data"), limits: LIMITS, walls: [kind] };
    const platform = await LocalPlatform.open({ ...options, isolation: "wall" });
    const [tcp, abstract] = [await listening({ port: 0 }), await listening({ path: `\0${folder}` })];
    try {
      const env = { SECRET: MARKER };
      await publish(platform, programDraft("other", "#!/bin/sh\nsleep 1000\n", { settings: { env } }));
      await publish(
        platform,
        programDraft("trial", SHELL, { settings: { memoryMiB: 512, concurrency: AT_ONCE } }),
      );
      return new Scene({ folder, platform, tcp, abstract });
    } catch (error) {
      await platform.close({ drainMs: 0 });
      throw error;
    }
  }

  private constructor({ folder, platform, tcp, abstract }: Parts) {
    this.#folder = folder;
    this.#platform = platform;
    this.#tcp = tcp;
    this.#abstract = abstract;
    const pids = ["other", "trial"].map((name) => pidOf(socketOf(platform, name)));
    this.#namespaces = new Set(pids.map(namespaceOf));
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "outside", "secret"), MARKER);
    const { port } = tcp.address() as { port: number };
    const variables = {
      ...{ OUTSIDE: join(folder, "outside"), DATA: join(folder, "data"), SKIFF_PID: process.pid },
      ...{ OTHER_PID: pids[0], TCP_PORT: port, ABSTRACT: folder, OTHER_SOCKET: socketOf(platform, "other") },
    };
    this.#variables = Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join("");
  }

  async run(script: string): Promise<string> {
    await this.#platform.wake("trial", 1);
    const socket = socketOf(this.#platform, "trial");
    // A place is free when nothing of its call is left, a moment after the answer.
    const headers = { [WAIT_HEADER]: String(MOST_WAIT_MS) };
    const body = this.#variables + script;
    const { text } = await call({ unix: socket }, { method: "POST", headers, body });
    return text.trim();
  }

  checkOutside(): void {
    assert.equal(readFileSync(join(this.#folder, "outside", "secret"), "utf8"), MARKER);
    assert.deepEqual(readdirSync(join(this.#folder, "outside")), ["secret"]);
    const escaped = ["/", "/etc", "/usr", "/usr/bin", "/dev"].filter((each) =>
      readdirSync(each).includes("escaped"),
    );
    assert.deepEqual(escaped, []);
  }

  processes(): number[] {
    const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return all.map(Number).filter((pid) => this.#namespaces.has(namespaceOf(pid)));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    delete process.env.SKIFF_SECRET;
    await this.#platform.close({ drainMs: 0 });
    this.#tcp.close();
    this.#abstract.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly platform: LocalPlatform;
  readonly tcp: Server;
  readonly abstract: Server;
}

function listening(where: { port: number } | { path: string }): Promise<Server> {
  const server = createServer((socket) => socket.end());
  return new Promise((resolve) => server.listen(where, () => resolve(server)));
}

function socketOf(platform: LocalPlatform, name: string): string {
  const address = servingOf(platform, name)?.instances[0]?.address;
  if (!address || !("unix" in address)) throw new Error(`${name} has no instance on a Unix socket`);
  return address.unix;
}

function pidOf(socket: string): number {
  const { pid } = JSON.parse(readFileSync(join(socket, "..", "pid"), "utf8")) as { pid: number };
  return lastDescendant(pid);
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
