import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { notTried } from "../support/not-tried.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { needsWall } from "../support/skiff/walls.ts";
import { DENO, PROGRAM, type Runtime, SERVER, type Seen, UNSEEN } from "./traces.ts";

const RUNTIMES: readonly Runtime[] = [DENO, PROGRAM, SERVER];

describe("file, environment, port, memory and process of a call", function () {
  // Each runtime starts a dozen instances.
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  for (const { name, query, source, kept } of RUNTIMES) {
    describe(`of the runtime ${name}`, () => {
      before(function () {
        if (name === "deno") return;
        needsWall(this, "bwrap");
        if (spawnSync("python3", ["--version"]).status !== 0) notTried(this, "python3 is not installed");
      });

      const deploy = async (isolation: string) => {
        const { status, body } = await skiff.deploy(
          `${name}-${isolation}`,
          source,
          `isolation=${isolation}&${query}`,
        );
        assert.equal(status, 201, JSON.stringify(body));
      };
      const call = async (isolation: string, path: string) => {
        const response = await fetch(`${skiff.url}/fn/${name}-${isolation}${path}`);
        const text = await response.text();
        assert.equal(response.status, 200, text);
        return text;
      };

      it("are seen by the next call of an instance with many, so that the test can see them", async () => {
        await deploy("instance");
        assert.deepEqual(JSON.parse(await call("instance", "/look")), UNSEEN);
        await call("instance", "/leave");
        const seen = JSON.parse(await call("instance", "/look")) as Seen;
        assert.deepEqual(seen, kept);
      });

      it("are not seen by the next call with isolation=call", async () => {
        await deploy("call");
        for (let round = 0; round < 2; round++) {
          await call("call", "/leave");
          assert.deepEqual(JSON.parse(await call("call", "/look")), UNSEEN);
        }
      });
    });
  }
});
