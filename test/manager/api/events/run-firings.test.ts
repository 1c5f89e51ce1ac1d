import assert from "node:assert/strict";
import request from "supertest";
import type { ManagerStore } from "../../../../manager/api/services.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: times of a schedule that begins runs", () => {
  let skiff: StartedManager;
  before(async () => {
    const answers = new Map([
      ["c1", { status: 200, headers: ["content-type", "application/json"] }],
      ["c2", { status: 202, headers: ["Skiff-Run", "r2"] }],
      ["c3", undefined],
    ]);
    const firings = ["c1", "c2", "c3"].map((call, at) => ({ at, firedAt: at, outcome: "fired", call }));
    const timers = { get: async () => undefined, firings: async () => firings };
    const calls = { get: async (id: string) => ({ answer: answers.get(id) }) };
    const store = { audit: { append: async () => {} }, usage: {}, timers, calls } as unknown as ManagerStore;
    skiff = await startManager({ store });
    const times = { cron: "@hourly" };
    await skiff.platform.declarations.put("Schedule", "runs", { spec: { ...times, run: { flow: "order" } } });
    await skiff.platform.declarations.put("Schedule", "calls", {
      spec: { ...times, call: { function: "f" } },
    });
  });
  after(() => skiff.stop());

  const listed = async (name: string) => {
    const { body } = await request(skiff.url).get(`/schedule/${name}/firings`).expect(200);
    return body.firings.map(({ outcome, run }: { outcome: string; run?: string }) => [outcome, run]);
  };

  it("are skipped while the run of an earlier one lasts, or have their run", async () => {
    assert.deepEqual(await listed("runs"), [
      ["skipped", undefined],
      ["fired", "r2"],
      ["fired", undefined],
    ]);
    const { body } = await request(skiff.url).get("/schedule/runs").expect(200);
    assert.equal(body.state.lastOutcome, "skipped");
  });

  it("are shown as they are for a schedule that calls a function", async () => {
    assert.deepEqual((await listed("calls"))[0], ["fired", undefined]);
  });
});
