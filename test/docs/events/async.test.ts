import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { OPTION_NAMES } from "../../../events/intake/call-options.ts";
import { documentRunner } from "../../support/skiff/document-runner.ts";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly attempts: readonly { readonly number: number; readonly status: number }[];
  readonly reason?: string;
}

describe("docs/async.md", function () {
  this.timeout(60_000);
  const run = documentRunner("docs/async.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    const documents = (part: string) =>
      outputOf(part)
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map(
          (line) => JSON.parse(line) as Shown & { calls?: Shown[]; cancelled?: unknown; removed?: number },
        );
    assert.match(outputOf("accepted.txt\n"), /^HTTP\/1\.1 202 Accepted\r$/m);

    const became = outputOf("/logs");
    const [call] = documents("/logs");
    assert.equal(call!.state, "done");
    assert.deepEqual(
      call!.attempts.map(({ number, status }) => [number, status]),
      [
        [1, 503],
        [2, 200],
      ],
    );
    assert.match(became, /resized in attempt 2/);
    assert.match(became, /attempt 1 of image 17$/m);
    assert.match(became, /attempt 2 of image 17$/m);

    const [first, second] = documents("image-17");
    assert.equal(first!.id, second!.id);
    assert.equal(outputOf("image-17").match(/^idempotency-replayed: true\r$/gm)?.length, 1);

    const [dead, list, retried, done] = documents("dead.txt\n");
    assert.deepEqual([dead!.state, dead!.reason], ["dead", "The answer was 503: the disk is slow today"]);
    assert.deepEqual(
      list!.calls!.map(({ id }) => id),
      [dead!.id],
    );
    assert.deepEqual([retried!.id, done!.state], [dead!.id, "done"]);

    const [cancelled, removed] = documents("later.txt\n");
    assert.equal(cancelled!.cancelled, true);
    assert.ok(removed!.removed! >= 3);
  });

  it("lists exactly the options that there are", () => {
    const text = readFileSync(new URL("../../../docs/async.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| `([a-z-]+)` +\| `skiff-([a-z-]+)` +\|/gm)];
    assert.deepEqual(
      rows.map(([, name]) => name),
      [...OPTION_NAMES],
    );
    for (const [, name, header] of rows) assert.equal(header, name);
  });
});
