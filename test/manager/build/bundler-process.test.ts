import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { BundlerProcess } from "../../../manager/build/bundler-process.ts";
import { problemOf, startBuilder, type TestBuilder } from "./building.ts";

const signal = new AbortController().signal;
const stopped = () => Promise.reject(new Error("The service was stopped: write EPIPE"));

describe("the process of the bundler", () => {
  let test: TestBuilder;
  let started: ChildProcess[] = [];
  const notice = (message: unknown) => started.push((message as { process: ChildProcess }).process);

  beforeEach(async () => {
    started = [];
    subscribe("child_process", notice);
    test = await startBuilder();
    await test.builder.warm();
  });
  afterEach(async () => {
    await test.close();
    unsubscribe("child_process", notice);
  });

  async function endIt(): Promise<void> {
    const isBundler = ({ spawnargs }: ChildProcess) =>
      spawnargs.some((each) => each.startsWith("--service="));
    const bundler = started.findLast(isBundler)!;
    const exited = once(bundler, "exit");
    bundler.kill("SIGKILL");
    await exited;
  }

  it("is started again for the builds that come after its end", async () => {
    for (const round of [1, 2, 3]) {
      await endIt();
      assert.match(await test.build(`export const round = ${round};`), /round = /);
    }
  });

  it("may end while builds are under way, which are done again", async () => {
    const sources = Array.from({ length: 20 }, (_, n) => `export const n = ${n};`);
    const building = sources.map((source) => test.build(source));
    await endIt();
    for (const [n, code] of (await Promise.all(building)).entries()) assert.ok(code.includes(`n = ${n};`));
  });

  it("fails the work alone that ends it again", async () => {
    const bundler = new BundlerProcess();
    let first = true;
    const hit = () => {
      const outcome = first ? stopped() : Promise.resolve("built");
      first = false;
      return outcome;
    };
    const [guilty, other] = [bundler.run(stopped, signal), bundler.run(hit, signal)];
    assert.match((await problemOf(guilty, "build_failed")).detail, /nested very deeply/);
    assert.equal(await other, "built");
  });

  it("leaves every other failure as it is, without a second try", async () => {
    let tries = 0;
    const work = () => {
      tries++;
      return Promise.reject(new Error("no such file"));
    };
    await assert.rejects(new BundlerProcess().run(work, signal), /no such file/);
    assert.equal(tries, 1);
  });

  it("is not started again for those who left", async () => {
    const left = AbortSignal.abort(new Error("left"));
    await assert.rejects(new BundlerProcess().run(stopped, left), /left/);
  });
});
