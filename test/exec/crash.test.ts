import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LABELS } from "../../platform/local/engine/leftovers.ts";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { processesWith } from "../support/instances/processes.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";
import { needsWall } from "../support/skiff/walls.ts";

/** Commands of each kind that run when Skiff is killed. */
const EACH = Number(process.env.SKIFF_TEST_COMMANDS ?? 3);

describe("commands of a Skiff that is killed", function () {
  this.timeout(60_000 + EACH * 2_000);
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
  // Other tests sleep as well.
  const marker = `${86_400 + process.pid}.25`;
  let engine: TestEngine;
  let skiff: SkiffProgram | undefined;
  before(async function () {
    needsWall(this, "bwrap");
    engine = await sharedEngine(this);
  });
  after(async () => {
    skiff?.signal("SIGTERM");
    await skiff?.ended();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async () => {
    skiff = new SkiffProgram(folder, {
      env: { SKIFF_ENGINE: engine.socket, SKIFF_EXEC_AT_ONCE: String(2 * EACH), PATH: process.env.PATH! },
    });
    return skiff.url();
  };
  const run = async (url: string, image: string) => {
    const query = new URLSearchParams([
      ["image", image],
      ...["sh", "-c", `echo begun; sleep ${marker}`].map((arg) => ["arg", arg]),
    ]);
    const sent = request(`${url}/exec?${query}`).end();
    sent.on("error", () => {});
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.on("error", () => {});
    assert.equal(String((await once(response, "data"))[0]), "begun\n");
  };

  it("leave no process, no container and no file behind", async () => {
    const url = await start();
    for (let at = 0; at < EACH; at++) await Promise.all([run(url, BOX), run(url, "host")]);
    assert.ok(processesWith(marker).length >= 2 * EACH);
    skiff!.signalAlone("SIGKILL");
    await skiff!.ended();
    // Sandboxes end with Skiff; containers when the next one sweeps.
    await start();
    await eventually("the processes are gone", () => processesWith(marker).length === 0);
    const left = () => engine.engine.list({ [LABELS.kind]: "command" });
    await eventually("the containers are removed", async () => (await left()).length === 0);
    // Only sandboxes that wait.
    assert.ok(readdirSync(join(folder, "instances")).length <= 4);
  });
});
