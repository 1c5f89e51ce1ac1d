import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { ALONE, type Home } from "../../../manager/git/homes/home.ts";
import { StoredHome } from "../../../manager/git/homes/stored/stored-home.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { eventually } from "../../support/eventually.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { plainGit } from "./plain-git.ts";
import { programGit } from "./program-git.ts";
import { type StepChain, stepChainOf } from "./step-chain.ts";

const PROGRAM = fileURLToPath(new URL("saving.ts", import.meta.url));
/** SKIFF_ROUNDS=50 is the whole test. */
const ROUNDS = Number(process.env.SKIFF_ROUNDS ?? 4);
const STEPS = 15 * ROUNDS;

describe("a repository whose manager is killed while it saves", function () {
  this.timeout(ROUNDS * 30_000);
  const { git, close } = programGit();
  const harness = new PostgresHarness();
  const random = seededRandom(testSeed());
  let folder: string;
  let chain: StepChain;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-killed-"));
    chain = await stepChainOf(folder, STEPS);
  });

  after(async () => {
    await close();
    await harness.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the program until it has kept something, and kills it a little later. Returns the last step that it printed. */
  async function killed(place: string, url: string): Promise<number> {
    const child = spawn(process.execPath, [PROGRAM, place, url, JSON.stringify(chain)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await eventually("a step is kept", () => output.includes("\n") || child.exitCode !== null, 30_000);
    await pause(random() * 100);
    child.kill("SIGKILL");
    await once(child, "close");
    // A line that was cut short is not complete.
    return Number(output.split("\n").at(-2) ?? 0);
  }

  async function isWhole(home: Home, printed: number): Promise<void> {
    const repository = await home.open("killed");
    const version = repository?.state.functions.killed?.version ?? 0;
    // It may be killed after a step was kept and before it printed that.
    assert.ok(version === printed || version === printed + 1, `version ${version}, printed ${printed}`);
    assert.equal(repository?.head, chain.commits[version - 1]);
    const { path } = repository!;
    const refs = await plainGit.run(["for-each-ref", "--format=%(objectname)"], { repository: path });
    assert.equal(refs.toString().trim(), chain.commits[version - 1]);
    await plainGit.run(["fsck", "--strict", "--connectivity-only"], { repository: path });
    await home.close();
  }

  it(`is the one before or the one after in a folder, ${ROUNDS} times in a row`, async () => {
    const place = join(folder, "git");
    for (let round = 0; round < ROUNDS; round++) {
      const printed = await killed(place, "");
      await isWhole(new FolderHome({ folder: place, git }), printed);
    }
  });

  it(`is the one before or the one after in the store, ${ROUNDS} times in a row`, async () => {
    const store = await harness.open();
    const limits = limitsFromEnv({});
    for (let round = 0; round < ROUNDS; round++) {
      const printed = await killed(join(folder, "copies"), harness.urlOf(store));
      const options = { git, repositories: store.repositories, limits, manager: ALONE };
      await isWhole(new StoredHome({ ...options, folder: join(folder, `other-${round}`) }), printed);
      await isWhole(new StoredHome({ ...options, folder: join(folder, "copies") }), printed);
    }
  });
});
