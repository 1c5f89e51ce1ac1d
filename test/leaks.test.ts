import assert from "node:assert/strict";
import { eventually } from "./support/eventually.ts";
import { MIXED_SOURCE, makeMixedCalls } from "./support/mixed-calls.ts";
import { answering } from "./support/platform/draft.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

const CALLS = 3_000;

/** How many there are of each kind of what keeps this process alive: sockets, pipes, timers, processes. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== "Immediate");
  for (const kind of kinds.sort()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** True once what there is was the same a hundred times in a row, which takes at least a second. */
function unchanged(): () => boolean {
  let last = "";
  let times = 0;
  return () => {
    const now = JSON.stringify(resources());
    times = now === last ? times + 1 : 0;
    last = now;
    return times >= 100;
  };
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
    // What Skiff keeps ready for later comes back as well, in the background: places for instances, a process for builds.
    await eventually("nothing changes any more", unchanged());
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
    await eventually("there is nothing more than before", () => {
      after = resources();
      // There may be fewer: what is kept ready for builds ends when none come.
      return Object.entries(after).every(([kind, count]) => count <= (before[kind] ?? 0));
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify({ before, after })}`);
    });
  });
});
