import assert from "node:assert/strict";
import { BoundedExporter, HELD_SPANS } from "../../http/telemetry/span-export.ts";

describe("the spans that wait for their export", () => {
  it("are as many as allowed, and further ones are lost", () => {
    const lines: string[] = [];
    let finish: (result: { code: number; error?: Error }) => void = () => {};
    const exporter = {
      export: (_: string[], done: typeof finish) => {
        finish = done;
      },
      shutdown: async () => {},
    };
    const print = (line: string) => void lines.push(line);
    const bounded = new BoundedExporter<string>(exporter, "http://r", print);
    assert.ok(bounded.take(HELD_SPANS - 3));
    assert.deepEqual(
      [bounded.take(2), bounded.take(2), bounded.take(1), bounded.take(1)],
      [true, false, true, false],
    );
    assert.equal(bounded.dropped, 3);
    bounded.export(["a", "b"], () => {});
    finish({ code: 0 });
    assert.deepEqual([bounded.take(2), bounded.dropped], [true, 3]);
    for (let i = 0; i < 2; i++) {
      bounded.export(["c"], () => {});
      finish({ code: 1, error: new Error("no\u0007route") });
    }
    assert.equal(bounded.dropped, 5);
    assert.deepEqual(lines, ["spans cannot be exported to http://r: no\\x07route (4 lost so far)"]);
  });
});
