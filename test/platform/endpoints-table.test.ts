import assert from "node:assert/strict";
import { EndpointsTable } from "../../platform/endpoints-table.ts";
import type { Endpoints } from "../../platform/platform.ts";

const endpoints = (name: string): Endpoints => ({
  name,
  traffic: [{ version: 1, weight: 1 }],
  versions: [{ version: 1, max: 1, concurrency: 1, timeoutMs: 1, memoryMiB: 128, instances: [] }],
});

describe("the table of endpoints", () => {
  it("tells listeners of what is set and deleted, and not of what was not there", () => {
    const table = new EndpointsTable();
    const told: [string, Endpoints | undefined][] = [];
    table.watch((...args) => told.push(args));
    const a = endpoints("a");
    table.set(a);
    table.delete("a");
    table.delete("a");
    assert.deepEqual(told, [
      ["a", a],
      ["a", undefined],
    ]);
  });

  it("lets a listener stop while it is told", () => {
    const table = new EndpointsTable();
    let told = 0;
    const stop = table.watch(() => {
      told++;
      stop();
    });
    table.set(endpoints("a"));
    table.set(endpoints("a"));
    assert.equal(told, 1);
  });
});
