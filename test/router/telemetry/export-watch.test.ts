import assert from "node:assert/strict";
import { ExportWatch } from "../../../router/telemetry/export-watch.ts";

describe("the watch over an export of spans", () => {
  it("lets no more wait than is allowed, until they are exported", () => {
    const lines: string[] = [];
    let finish: (result: { code: number; error?: Error }) => void = () => {};
    const exporter = {
      export: (_: string[], done: typeof finish) => {
        finish = done;
      },
      shutdown: async () => {},
    };
    const print = (line: string) => void lines.push(line);
    const watch = new ExportWatch<string>(exporter, { heldSpans: 3, receiver: "http://r", print });
    assert.deepEqual(
      [watch.take(2), watch.take(2), watch.take(1), watch.take(1)],
      [true, false, true, false],
    );
    assert.equal(watch.dropped, 3);
    watch.export(["a", "b"], () => {});
    finish({ code: 0 });
    assert.deepEqual([watch.take(2), watch.dropped], [true, 3]);
    for (let i = 0; i < 2; i++) {
      watch.export(["c"], () => {});
      finish({ code: 1, error: new Error("no\nroute") });
    }
    assert.equal(watch.dropped, 5);
    assert.deepEqual(lines, ["spans cannot be exported to http://r: no route (4 lost so far)"]);
  });
});
