import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { LoopProbe } from "../../support/processor/loop-probe.ts";
import { FlowRig } from "../support/flow-rig.ts";

/** One evaluation takes about 25 ms, and all of a run take some seconds. */
const TIMES = 80;
const DEAR = "size(input.x.map(b, size(input.x.map(c, b + c))))";
const INPUT = { x: Array.from({ length: 400 }, (_, n) => n) };
/** Of the processor. A run that is bounded takes a twentieth of it at once, and one that is not three times as much. */
const MOST_TURN_MS = 600;

const LIST = `
steps:
  a: {fn: f, each: "\${ input.x.slice(0, ${TIMES}) }", concurrency: 1000, with: {x: "\${ ${DEAR} }"}}
output: "\${ size(steps.a.output) }"
`;
const FLOWS: Readonly<Record<string, string>> = {
  "the items of a list": LIST,
  "results of one moment": `
steps:
${steps((name) => `${name}: {publish: t, with: {}, output: "\${ ${DEAR} }"}`)}
output: ${TIMES}
`,
};

describe("a run that evaluates for seconds", () => {
  let rig: FlowRig;
  beforeEach(async () => {
    rig = new FlowRig();
    await rig.listen();
    rig.functions.set("f", () => 1);
  });
  afterEach(() => rig.close());

  for (const [what, source] of Object.entries(FLOWS)) {
    it(`leaves room for everything else: ${what}`, async function () {
      this.timeout(60_000);
      await rig.put("hostile", source);
      const engine = await rig.start();
      const late = new LoopProbe();
      const id = await rig.begin(engine, "hostile", INPUT);
      await ended(rig, id);
      check(late);
      assert.equal(await rig.output(id), TIMES);
    });
  }

  it("leaves room for everything else when it is taken over, alone or with others", async function () {
    this.timeout(60_000);
    await rig.put("hostile", LIST);
    let isAnswered = false;
    const { promise: go, resolve: answer } = Promise.withResolvers<number>();
    rig.functions.set("f", () => (isAnswered ? 1 : go));
    const first = await rig.start();
    const ids = [await rig.begin(first, "hostile", INPUT), await rig.begin(first, "hostile", INPUT)];
    await eventually("all calls were made", () => rig.received.length === 2 * TIMES);
    await first.close({ drainMs: 0 });
    isAnswered = true;
    answer(1);
    const late = new LoopProbe();
    await rig.start();
    for (const id of ids) await ended(rig, id);
    check(late);
    for (const id of ids) assert.equal(await rig.output(id), TIMES);
    const keys = new Set(rig.received.map(({ headers }) => headers["idempotency-key"]));
    assert.equal(keys.size, 2 * TIMES);
  });
});

function steps(write: (name: string) => string): string {
  return Array.from({ length: TIMES }, (_, n) => `  ${write(`s${n}`)}`).join("\n");
}

async function ended(rig: FlowRig, id: string): Promise<void> {
  const isEnded = async () => (await rig.sqlite.runs.get(id))?.endedAt !== undefined;
  await eventually("the run has ended", isEnded, 25_000);
}

/** Fails if a timer of the same program had to wait for long. */
function check(probe: LoopProbe): void {
  const longestMs = probe.read();
  probe.close();
  assert.ok(longestMs > 0 && longestMs < MOST_TURN_MS, `one turn took ${Math.round(longestMs)} ms`);
}
