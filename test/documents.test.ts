import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { LIMITS } from "../platform/limits.ts";
import { PROBLEMS } from "../platform/problems.ts";
import { NUMBER_SETTINGS, SYS_KINDS } from "../platform/settings.ts";
import { FAMILIES } from "../router/metrics/metrics.ts";
import { lineOf } from "../router/telemetry/access-log.ts";
import type { CallRecord } from "../router/telemetry/call-record.ts";

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

/** Rows of the table under `heading`, as cells without back-ticks. */
function tableAfter(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(heading)).split("\n");
  const first = lines.findIndex((line) => line.startsWith("| ---"));
  const rows = lines.slice(first + 1);
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim().replaceAll("`", ""));
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith("|")),
    )
    .map(cells);
}

describe("README", () => {
  const readme = read("README.md");

  it("lists exactly the errors that there are", () => {
    const expected = Object.entries(PROBLEMS).map(([code, { status, title }]) => [
      String(status),
      code,
      title,
    ]);
    assert.deepEqual(tableAfter(readme, "### Errors"), expected);
  });

  it("lists exactly the limits that there are", () => {
    const expected = Object.values(LIMITS).map(({ about, value, env }) => [
      about.replaceAll("`", ""),
      value,
      env,
    ]);
    assert.deepEqual(tableAfter(readme, "### Limits"), expected);
  });

  it("lists exactly the metrics that there are", () => {
    const expected = FAMILIES.map(({ name, type, labels, help }) => [
      name,
      type,
      labels.join(" "),
      help.replace(/\.$/, ""),
    ]);
    assert.deepEqual(tableAfter(readme, "### Metrics"), expected);
  });

  it("shows a line of the access log with the fields that it has", () => {
    const line = /^\{"level".*\}$/m.exec(readme)![0];
    const fields = Object.keys(JSON.parse(line));
    const written = Object.keys(lineOf({ request: { headers: {}, socket: {} } } as CallRecord));
    const more = ["waitedMs", "forwardedFor", "code", "cold", "retries", "aborted"];
    assert.deepEqual([...fields, ...more].sort(), ["level", "time", ...written].sort());
    const after = readme.slice(readme.indexOf(line));
    for (const name of more) assert.ok(after.includes(`\`${name}\``), name);
  });

  it("lists exactly the settings that there are, with defaults and ranges", () => {
    const rows = tableAfter(readme, "### Settings");
    const numbers = Object.entries(NUMBER_SETTINGS).map(([key, row]) => [
      key,
      `${row.query}=${row.example}`,
      String(row.default),
      `${row.least}–${row.most}`,
    ]);
    assert.deepEqual(
      rows.slice(0, numbers.length).map((row) => row.slice(0, 4)),
      numbers,
    );
    assert.deepEqual(
      rows.slice(numbers.length).map(([key]) => key),
      ["env", "permissions.net", "permissions.sys"],
    );
    assert.equal(rows.at(-1)?.[4], SYS_KINDS.join(" "));
  });
});

describe("ARCHITECTURE", () => {
  it("is at most 120 lines long", () => {
    assert.ok(read("ARCHITECTURE.md").trimEnd().split("\n").length <= 120);
  });
});
