import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { WAITING_SANDBOXES } from "../platform/local/wall/sandboxes.ts";
import { answering } from "./support/draft.ts";
import { eventually } from "./support/eventually.ts";
import { MIXED_SOURCE, makeMixedCalls } from "./support/mixed-calls.ts";
import { type StartedSkiff, startedSkiff } from "./support/started-skiff.ts";

const CALLS = 3_000;

/** How many there are of each kind of what keeps this process alive: sockets, pipes, timers, processes. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== "Immediate");
  for (const kind of kinds.sort()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe(`${CALLS} calls that end in every way there is`, () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  async function remove(name: string): Promise<void> {
    assert.equal((await fetch(`${skiff.url}/func/${name}`, { method: "DELETE" })).status, 200);
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${skiff.url}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{function="mixed"\\} (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  }

  it("leave no slot taken, no socket open and no timer running", async function () {
    this.timeout(60_000);
    // Whatever is made once is made now, by a function that comes and goes.
    await skiff.deploy("first", answering("hi"));
    await remove("first");
    const isWalled = skiff.lines.some((line) => line.includes("kernel namespaces"));
    // Where there is a wall, places for the next instances wait in it.
    const waiting = isWalled ? WAITING_SANDBOXES : undefined;
    const isWarm = () => !isWalled || existsSync(join(skiff.dataFolder, "deno", "complete"));
    await eventually("its process has ended, and its files are removed", () => {
      const { ProcessWrap, FSReqCallback, FSReqPromise } = resources();
      return isWarm() && ProcessWrap === waiting && FSReqCallback === undefined && FSReqPromise === undefined;
    });
    const before = resources();

    await skiff.deploy("mixed", MIXED_SOURCE, "max=1");
    await skiff.deploy("mixed-late", MIXED_SOURCE, "timeout=100ms&max=1");
    await makeMixedCalls({ url: skiff.url, name: "mixed" }, CALLS, 32);
    await eventually("no call is in flight", async () => (await metric("skiff_calls_in_flight")) === 0);
    assert.equal(await metric("skiff_calls_waiting"), 0);
    assert.equal(await metric("skiff_instances_ready"), 1);
    await remove("mixed");
    await remove("mixed-late");
    let after = resources();
    await eventually("everything is as before", () => {
      after = resources();
      return JSON.stringify(after) === JSON.stringify(before);
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify({ before, after })}`);
    });
  });
});
