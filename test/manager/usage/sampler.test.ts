import assert from "node:assert/strict";
import { Sampler } from "../../../manager/usage/sampler.ts";
import type { Endpoints } from "../../../platform/platform.ts";
import type { UsageSample } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";

describe("manager: samples of instances", () => {
  it("have instances and memory of each function, and zero once when it has none any more", async () => {
    const samples: UsageSample[][] = [];
    const lines: string[] = [];
    let ids = ["a", "b"];
    let fails = false;
    const instance = (id: string) => ({ id, address: { unix: "x" } });
    const endpoints = (name: string, own: readonly string[]) =>
      ({ name, versions: [{ instances: own.map(instance) }, { instances: [] }] }) as unknown as Endpoints;
    const sampler = new Sampler({
      platform: { allEndpoints: () => [endpoints("f", ids), endpoints("idle", [])] },
      ledger: {
        sample: async (taken) => {
          if (fails) throw new Error("the disk is away");
          samples.push([...taken]);
        },
      },
      memory: () =>
        new Map([
          ["a", 20.4],
          ["b", 10],
        ]),
      print: (line) => lines.push(line),
      everyMs: 5,
    });
    await eventually("a sample", () => samples.length > 0);
    const [{ at, ...first }] = samples[0] as [UsageSample];
    assert.deepEqual([samples[0]!.length, first], [1, { function: "f", instances: 2, memoryMiB: 30 }]);
    assert.ok(Date.now() - at.getTime() < 60_000);
    ids = [];
    await eventually("zero", () => samples.at(-1)![0]!.instances === 0);
    const { length } = samples;
    ids = ["a"];
    await eventually("one", () => samples.at(-1)![0]!.instances === 1);
    assert.equal(
      samples.slice(length).some(([sample]) => sample!.instances === 0),
      false,
    );
    fails = true;
    await eventually("a line", () => lines.length > 0);
    await sampler.close();
    assert.deepEqual(lines, ["samples of instances cannot be stored: the disk is away"]);
  });
});
