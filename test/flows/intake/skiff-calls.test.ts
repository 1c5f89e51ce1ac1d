import assert from "node:assert/strict";
import { CALLER_KEY, IntakeRig } from "./intake-rig.ts";

const GREET = "steps: {hello: {fn: hello}}";
const at = 1;

describe("a run that Skiff itself begins", () => {
  let rig: IntakeRig;
  beforeEach(async () => {
    rig = new IntakeRig();
    // Nobody else gets in.
    await rig.start(
      { greet: GREET },
      { access: { mode: "token", tokenHash: "0".repeat(64), whereabouts: "" } },
    );
  });
  afterEach(() => rig.stop());

  const send = (headers: Record<string, string>, key = CALLER_KEY) =>
    rig.send("/flow/greet/run", { json: { rows: 2 }, headers: { "x-skiff-key": key, ...headers } });
  const cron = (time: string, overlap: string, id = time) =>
    send({
      ...{ "skiff-schedule": "nightly", "skiff-scheduled-at": time, "skiff-overlap": overlap },
      "idempotency-key": id,
    });

  it("has the event of a delivery", async () => {
    const event = { "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "order" };
    const headers = {
      ...event,
      "ce-subject": "a%20b",
      "skiff-topic": "orders",
      "skiff-subscription": "ship",
    };
    assert.equal((await send(headers)).status, 202);
    const [run] = await rig.claimed();
    const { trigger, by } = run!;
    assert.deepEqual(trigger, {
      kind: "topic",
      event: {
        ...{ id: "e1", source: "/shop", type: "order", subject: "a b", topic: "orders" },
        datacontenttype: "application/json",
      },
    });
    assert.equal(by, "subscription ship");
    assert.deepEqual(await rig.inputOf(run!.id), { json: { rows: 2 } });
  });

  it("needs the key of Skiff", async () =>
    assert.equal((await send({}, "sk_kinternals_guessed")).status, 401));

  it("has the time of its schedule", async () => {
    assert.equal((await cron("2026-11-29T03:00:00.000Z", "allow")).status, 202);
    const [run] = await rig.claimed();
    const { trigger, by } = run!;
    assert.deepEqual(trigger, { kind: "cron", schedule: "nightly", at: Date.UTC(2026, 10, 29, 3) });
    assert.equal(by, "schedule nightly");
  });

  it("is skipped while the run of an earlier time lasts, but not when its call is repeated", async () => {
    const first = await cron("2026-11-29T03:00:00.000Z", "skip");
    const { id } = (await first.json()) as { id: string };
    const again = await cron("2026-11-29T03:00:00.000Z", "skip");
    assert.equal(((await again.json()) as { id: string }).id, id);
    const skipped = await cron("2026-11-30T03:00:00.000Z", "skip");
    assert.equal(skipped.status, 200);
    assert.match(((await skipped.json()) as { skipped: string }).skipped, new RegExp(`not finished: ${id}`));
    const waiting = await cron("2026-12-01T03:00:00.000Z", "queue");
    assert.deepEqual([waiting.status, waiting.headers.get("retry-after")], [429, "5"]);
    assert.equal((await cron("2026-12-02T03:00:00.000Z", "allow")).status, 202);
    for (const run of await rig.claimed(2))
      await rig.append(run.id, { kind: "ended", at, state: "done", output: { json: null } });
    assert.equal((await cron("2026-12-03T03:00:00.000Z", "skip")).status, 202);
  });
});
