import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { DENO, type Runtime, type Seen, UNSEEN } from "./traces.ts";

const RUNTIMES: readonly Runtime[] = [DENO];

describe("file, environment, port, memory and process of a call", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  for (const { name, query, source } of RUNTIMES) {
    describe(`of the runtime ${name}`, () => {
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
        assert.deepEqual(seen, { file: true, environment: true, port: true, memory: true, process: true });
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
