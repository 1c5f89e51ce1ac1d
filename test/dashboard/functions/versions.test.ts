import { deepEqual, equal, throws } from "node:assert/strict";
import { parseDiff } from "../../../dashboard/web/blocks/unified-diff.ts";
import { ACCESS, SETTINGS } from "../../../dashboard/web/function/settings/fields.ts";
import {
  type Draft,
  durationOf,
  isAbout,
  patchOf,
  readText,
} from "../../../dashboard/web/function/settings/setting.ts";
import {
  percentsOf,
  withoutVersion,
  withPercent,
  withVersion,
} from "../../../dashboard/web/function/versions/percents.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const sumOf = (percents: readonly { percent: number }[]) =>
  percents.reduce((sum, { percent }) => sum + percent, 0);

describe("Versions and settings in the dashboard", () => {
  it("keeps the sum of all sliders at 100, wherever one is moved", () => {
    const random = seededRandom(17);
    let percents = percentsOf([
      { version: 1, weight: 1 },
      { version: 2, weight: 1 },
      { version: 3, weight: 1 },
    ]);
    deepEqual(
      percents.map(({ percent }) => percent),
      [34, 33, 33],
    );
    for (let step = 0; step < 500; step++) {
      const version = 1 + Math.floor(random() * 3);
      const percent = Math.floor(random() * 101);
      percents = withPercent(percents, version, percent);
      equal(percents.find((each) => each.version === version)!.percent, percent);
      equal(sumOf(percents), 100);
      equal(
        percents.every((each) => each.percent >= 0),
        true,
      );
    }
  });

  it("adds a version without calls, and gives the part of a removed one to the others", () => {
    const two = withVersion([{ version: 1, percent: 100 }], 2);
    deepEqual(two, [
      { version: 2, percent: 0 },
      { version: 1, percent: 100 },
    ]);
    deepEqual(withoutVersion(withPercent(two, 2, 30), 1), [{ version: 2, percent: 100 }]);
    deepEqual(withPercent([{ version: 1, percent: 100 }], 1, 5), [{ version: 1, percent: 100 }]);
  });

  it("numbers the lines of a unified diff", () => {
    const files = parseDiff(
      [
        "--- a/settings.json",
        "+++ b/settings.json",
        "@@ -3,2 +3,2 @@",
        ' "a": 1,',
        '-"max": 1',
        '+"max": 2',
        "--- a/source/main.ts",
        "+++ b/source/main.ts",
        "@@ -1,2 +1,1 @@",
        "--- not a file",
        "-old",
        "\\ No newline at end of file",
        "+new",
        "Binary files a/source/x.png and b/source/x.png differ",
        "",
      ].join("\n"),
    );
    deepEqual(
      files.map(({ path, added, removed }) => [path, added, removed]),
      [
        ["settings.json", 1, 1],
        ["main.ts", 1, 2],
        ["Binary files a/source/x.png and b/source/x.png differ", 0, 0],
      ],
    );
    deepEqual(files[0]!.lines.slice(1), [
      { kind: "same", before: 3, after: 3, text: '"a": 1,' },
      { kind: "removed", before: 4, text: '"max": 1' },
      { kind: "added", after: 4, text: '"max": 2' },
    ]);
    equal(files[1]!.lines[1]!.text, "-- not a file");
  });

  it("reads what git says of files: new, moved, binary, and folders with any name", () => {
    const files = parseDiff(
      [
        "diff --git a/source/main.ts b/source/main.ts",
        "index 1111111..2222222 100644",
        "--- a/source/main.ts",
        "+++ b/source/main.ts",
        "@@ -1 +1 @@",
        "-diff --git a/x b/x",
        "+new",
        "diff --git a/old name.ts b/new.ts",
        "similarity index 100%",
        "rename from old name.ts",
        "rename to new.ts",
        "diff --git a/x.png b/x.png",
        "new file mode 100644",
        "index 0000000..3333333",
        "Binary files /dev/null and b/x.png differ",
        "diff --git a/gone.ts b/gone.ts",
        "deleted file mode 100644",
        "--- a/gone.ts",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-gone",
        "",
      ].join("\n"),
    );
    deepEqual(
      files.map(({ path, added, removed }) => [path, added, removed]),
      [
        ["source/main.ts", 1, 1],
        ["old name.ts → new.ts", 0, 0],
        ["x.png", 0, 0],
        ["gone.ts", 0, 1],
      ],
    );
    deepEqual(
      files[2]!.lines.map(({ text }) => text),
      ["new file mode 100644", "Binary files /dev/null and b/x.png differ"],
    );
    equal(files[0]!.lines[1]!.text, "diff --git a/x b/x");
  });

  it("sends only what changed, as a merge patch", () => {
    const all = [...SETTINGS, ...ACCESS].flatMap(({ settings }) => settings);
    const draft: Draft = {
      timeoutMs: "20s",
      memoryMiB: "1Gi",
      min: "",
      "quota.rate": "10/s",
      "quota.burst": "",
      "permissions.net": "public\n10.0.0.7",
      idleMs: "soon",
    };
    const { patch, faults } = patchOf(draft, all);
    deepEqual(patch, {
      timeoutMs: 20_000,
      memoryMiB: 1_024,
      min: null,
      quota: { rate: "10/s", burst: null },
      permissions: { net: ["public", "10.0.0.7"] },
    });
    deepEqual(Object.keys(faults), ["idleMs"]);
    const net = all.find(({ path }) => path === "permissions.net")!;
    deepEqual(readText(" ", net), []);
    throws(() => readText("5 min", all.find(({ path }) => path === "idleMs")!), /is not a duration/);
    const memory = all.find(({ path }) => path === "memoryMiB")!;
    throws(() => readText("12", memory), /^Error: Write a value from 64 to 65536\.$/);
    const timeout = all.find(({ path }) => path === "timeoutMs")!;
    throws(() => readText("2h", timeout), /from 100ms to 1h/);
    // Problems name a setting as in JSON or as in a query.
    equal(isAbout(net, "net"), true);
    equal(isAbout(all.find(({ path }) => path === "retry.on")!, "retry-on"), true);
    deepEqual([90_000, 3_600_000, 1_500].map(durationOf), ["90s", "1h", "1500ms"]);
  });
});
