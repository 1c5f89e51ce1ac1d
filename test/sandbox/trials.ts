import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { IsolationMode } from "../../platform/local/wall/isolation.ts";
import type { WallKind } from "../../platform/local/wall/profile.ts";
import { eventually } from "../support/eventually.ts";
import { needsWall } from "../support/skiff/walls.ts";
import { type Attempt, type Deployed, expectedIn, type Situation, Stage } from "./stage.ts";

/** In the environment, the code and the files of another function, and beside them: no function may get it. */
const MARKER = "marker-of-somebody-else";

interface Place {
  readonly name: string;
  readonly situation: Situation;
  readonly isolation: IsolationMode;
  readonly walls?: readonly WallKind[];
}

const PLACES: readonly Place[] = [
  { name: "behind a wall of bubblewrap", situation: "wall", isolation: "wall", walls: ["bwrap"] },
  { name: "behind a wall of unshare", situation: "wall", isolation: "wall", walls: ["unshare"] },
  {
    name: "behind a plain wall of bubblewrap",
    situation: "plain",
    isolation: "wall",
    walls: ["bwrap-plain"],
  },
  { name: "without a wall, as isolation auto has it", situation: "bare", isolation: "auto", walls: [] },
  { name: "within Deno's permissions alone", situation: "permissions", isolation: "permissions" },
];

export interface Trial {
  readonly attempts: readonly Attempt[];
  /** Code at the top of the function's module. */
  readonly top: string;
}

/** Runs attempts in every place that a function of this machine may be in, one test each, and looks at what is outside. */
export function tryEverywhere(what: string, { attempts, top }: Trial): void {
  for (const place of PLACES) {
    describe(`${what}, ${place.name}`, () => {
      let scene: Scene;
      before(async function () {
        for (const kind of place.walls ?? []) needsWall(this, kind);
        scene = await Scene.open(place, { attempts, top });
      });
      after(() => scene?.close());
      afterEach(() => scene?.plant());

      for (const attempt of attempts) {
        const expected = expectedIn(place.situation, attempt);
        it(attempt.title, async () => {
          const outcome = await scene.trial.run(attempt.title, scene.given);
          assert.match(outcome, expected);
          if (place.situation !== "permissions") scene.checkOutside(outcome);
        });
      }

      it("leaves no process behind", async () => {
        await scene.close();
        await eventually("every process has ended", () => scene.processes().length === 0);
      });
    });
  }
}

/** A platform with the function that tries, another one, and what neither may touch. */
class Scene {
  readonly trial: Deployed;
  readonly given: Readonly<Record<string, unknown>>;
  readonly #stage: Stage;
  readonly #outside: string;
  readonly #namespaces: ReadonlySet<string>;
  readonly #pids: readonly number[];
  #closed: Promise<void> | undefined;

  static async open({ isolation, walls }: Place, { attempts, top }: Trial): Promise<Scene> {
    const stage = await Stage.open(isolation, walls);
    try {
      const code = `export default () => "other"; // ${MARKER}`;
      const other = await stage.publish("other", code, { env: { SECRET: MARKER } });
      return new Scene(stage, other, await stage.deploy("trial", attempts, { top }));
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  private constructor(stage: Stage, other: Deployed, trial: Deployed) {
    this.#stage = stage;
    this.#outside = join(stage.dataFolder, "outside");
    this.trial = trial;
    this.#pids = [other, trial].map(({ pid }) => pid);
    const own = readlinkSync("/proc/self/ns/pid");
    const namespaces = this.#pids.map((pid) => readlinkSync(`/proc/${pid}/ns/pid`));
    this.#namespaces = new Set(namespaces.filter((each) => each !== own));
    const otherScratch = other.outerScratch;
    if (existsSync(otherScratch)) writeFileSync(join(otherScratch, "secret"), MARKER);
    const data = stage.dataFolder;
    this.given = {
      ...{ data, outside: this.#outside, secret: join(this.#outside, "secret"), pid: process.pid },
      ...{ otherPid: other.pid, other: other.socket, otherScratch, otherBundle: bundleIn(data, "other") },
      ...{ scratch: trial.scratch, self: trial.socket },
    };
    this.plant();
  }

  /** Puts everything outside back in its place. */
  plant(): void {
    rmSync(this.#outside, { recursive: true, force: true });
    mkdirSync(join(this.#outside, "folder"), { recursive: true });
    writeFileSync(join(this.#outside, "secret"), MARKER);
    writeFileSync(join(this.#outside, "secret.mjs"), `export default ${JSON.stringify(MARKER)}`);
    writeFileSync(join(this.#outside, "secret.json"), JSON.stringify(MARKER));
  }

  checkOutside(outcome: string): void {
    assert.ok(!outcome.includes(MARKER), "the outcome tells what somebody else has");
    const names = readdirSync(this.#outside, { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(names, ["folder", "secret", "secret.json", "secret.mjs"]);
    assert.equal(readFileSync(join(this.#outside, "secret"), "utf8"), MARKER);
    const all = readdirSync(this.#stage.dataFolder, { recursive: true, encoding: "utf8" });
    // Without a wall the folder of the function itself is in there.
    const strange = all.filter(
      (name) => /escaped/.test(name) && !/^instances\/[0-9a-f]+\/scratch\//.test(name),
    );
    assert.deepEqual(strange, []);
  }

  /** Numbers of the processes that the two functions consist of, whoever started them. */
  processes(): number[] {
    const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return all
      .map(Number)
      .filter((pid) => this.#pids.includes(pid) || this.#namespaces.has(namespaceOf(pid)));
  }

  close(): Promise<void> {
    this.#closed ??= this.#stage.close();
    return this.#closed;
  }
}

function bundleIn(data: string, name: string): string {
  const root = join(data, "functions", name);
  const [version] = readdirSync(root);
  return join(root, version!, "bundle.mjs");
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
