import assert from "node:assert/strict";
import {
  cronSchedules,
  flowOfTrigger,
  topicSubscriptions,
} from "../../../platform/declared-flows/triggers.ts";
import { checkScheduleSpec } from "../../../platform/events/check-schedule.ts";

describe("the triggers of a flow", () => {
  const filter = { exact: { type: "order.created" } };
  const flow = {
    flow: "ship",
    on: {
      topics: [
        { topic: "orders", filter },
        { topic: "returns", from: "earliest" },
      ],
      crons: [{ cron: "@daily" }, { cron: "0 3 * * *", overlap: "queue", input: { all: true } }],
    },
  } as const;

  it("are subscriptions of one group", () =>
    assert.deepEqual(topicSubscriptions(flow), [
      { name: "flow/ship/0", spec: { topic: "orders", filter, flow: "ship", group: "flow/ship" } },
      { name: "flow/ship/1", spec: { topic: "returns", from: "earliest", flow: "ship", group: "flow/ship" } },
    ]));

  it("are schedules", () => {
    const schedules = cronSchedules(flow);
    assert.deepEqual(schedules, [
      { name: "flow/ship/0", spec: { cron: "@daily", run: { flow: "ship", input: {} } } },
      {
        name: "flow/ship/1",
        spec: { cron: "0 3 * * *", overlap: "queue", run: { flow: "ship", input: { all: true } } },
      },
    ]);
    for (const { spec } of schedules) assert.deepEqual(checkScheduleSpec(spec), []);
  });

  it("have names from which their flow can be found", () => {
    assert.equal(flowOfTrigger("flow/ship/12"), "ship");
    for (const name of ["ship", "fn/ship/0", "flow/ship"]) assert.equal(flowOfTrigger(name), undefined);
  });
});
