import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openApi } from "../../manager/openapi/openapi.ts";
import { EVENT_FAMILIES } from "../../metrics/event-families.ts";
import { FLOW_FAMILIES } from "../../metrics/flow-families.ts";
import { PUSH_FAMILIES } from "../../metrics/git-families.ts";
import { LIMITS, limitsFromEnv } from "../../platform/limits.ts";
import { PROBLEMS, Problem, problemDocument } from "../../platform/problems.ts";
import { SYS_KINDS } from "../../platform/settings/permissions.ts";
import { QUOTA_QUERY } from "../../platform/settings/quota.ts";
import { RETRY_MEMBERS } from "../../platform/settings/retry.ts";
import { NUMBER_SETTINGS, settingsFromQuery } from "../../platform/settings/settings.ts";
import { PROGRAM_MEMBERS } from "../../platform/settings/start.ts";
import { FAMILIES } from "../../router/metrics/metrics.ts";
import { lineOf } from "../../router/telemetry/access-log.ts";
import type { CallRecord } from "../../router/telemetry/call-record.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Rows of the first table under `heading` of `docs/NAME.md`, as cells without back-ticks. */
function tableOf(name: string, heading: string): string[][] {
  const text = read(`docs/${name}.md`);
  const at = text.indexOf(`${heading}\n`);
  assert.ok(at >= 0, `docs/${name}.md has no heading ${heading}`);
  const lines = text.slice(at).split("\n");
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

describe("docs/errors.md", () => {
  it("lists exactly the errors that there are", () => {
    const expected = Object.entries(PROBLEMS).map(([code, { status, title }]) => [
      String(status),
      code,
      title,
    ]);
    assert.deepEqual(tableOf("errors", "## Codes"), expected);
  });

  it("shows the document of a problem as it is", () => {
    const shown = JSON.parse(/```json\n(.+?)```/s.exec(read("docs/errors.md"))![1]!);
    const isShown = (error: unknown) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual(problemDocument(error, shown.callId), shown);
      return true;
    };
    assert.throws(() => settingsFromQuery(new URLSearchParams("timout=30s")), isShown);
  });
});

describe("docs/limits.md", () => {
  it("lists exactly the limits that there are", () => {
    const expected = Object.values(LIMITS).map(([env, , value, about]) => [
      about.replaceAll("`", ""),
      value,
      env,
    ]);
    assert.deepEqual(tableOf("limits", "# Limits"), expected);
  });
});

describe("docs/observability.md", () => {
  it("lists exactly the metrics that there are", () => {
    const expected = [...FAMILIES, ...EVENT_FAMILIES, ...FLOW_FAMILIES, ...PUSH_FAMILIES].map(
      ({ name, type, labels, help }) => [name, type, labels.join(" "), help.replace(/\.$/, "")],
    );
    assert.deepEqual(tableOf("observability", "## Metrics"), expected);
  });

  it("shows a line of the access log with the fields that it has", () => {
    const text = read("docs/observability.md");
    const line = /^\{"level".*\}$/m.exec(text)![0];
    const fields = Object.keys(JSON.parse(line));
    const written = Object.keys(lineOf({ request: { headers: {}, socket: {} } } as CallRecord));
    const more = ["waitedMs", "forwardedFor", "code", "cold", "retries", "aborted"];
    assert.deepEqual([...fields, ...more].sort(), ["level", "time", ...written].sort());
    const after = text.slice(text.indexOf(line));
    for (const name of more) assert.ok(after.includes(`\`${name}\``), name);
  });
});

describe("docs/settings.md", () => {
  it("lists exactly the settings that there are, with defaults and ranges", () => {
    const rows = tableOf("settings", "## Function settings");
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
      [
        ...["env", "permissions.net", "permissions.sys", "entry", "hosts", "secrets", "access"],
        ...Object.keys(QUOTA_QUERY).map((member) => `quota.${member}`),
        "cron",
        ...RETRY_MEMBERS.map((member) => `retry.${member}`),
        "runtime",
        ...PROGRAM_MEMBERS.map((member) => `program.${member}`),
        ...["isolation", "pool", "runtimeClass", "pullSecret"],
      ],
    );
    const sys = rows.find(([key]) => key === "permissions.sys");
    assert.equal(sys?.[4], SYS_KINDS.join(" "));
  });
});

describe("docs/api.md", () => {
  it("lists exactly the paths and methods that there are", () => {
    const listed = tableOf("api", "# HTTP API").flatMap(([call = ""]) => {
      const isAny = call.startsWith("any method");
      const calls = call.matchAll(/(?<method>[A-Z]+ )?(?<path>\/[^\s?,]*)/g);
      return [...calls].map(({ groups }) => `${isAny ? "any " : groups!.method}${groups!.path}`);
    });
    const { paths } = openApi(limitsFromEnv({}), { mode: "loopback" }) as { paths: Record<string, object> };
    const expected = Object.entries(paths).flatMap(([path, item]) => {
      const shown = path
        .replace("{path}", "*")
        .replaceAll(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
      if (/^\/((async\/)?fn|gateway|flow\/\{name\}\/http)(\/|$)/.test(path)) return [`any ${shown}`];
      const methods = Object.keys(item).filter((key) => /^(get|put|post|patch|delete)$/.test(key));
      return methods.map((method) => `${method.toUpperCase()} ${shown}`);
    });
    assert.deepEqual(listed.sort(), expected.sort());
  });
});

/** What Skiff itself sets inside of an instance or pod. */
const SET_BY_SKIFF = [
  ...["SKIFF_START", "SKIFF_POD_UID", "SKIFF_PARTS", "SKIFF_PROJECT"],
  // Variables of programs.
  ...["SKIFF_CALL_ID", "SKIFF_FUNCTION", "SKIFF_INSTANCE", "SKIFF_INSTANCE_ID", "SKIFF_VERSION"],
];
const VARIABLE = /\b(?:SKIFF|OTEL)_[A-Z_]+[A-Z]\b/g;

describe("the documents", () => {
  it("have a row for every variable that the source reads, and for no other", () => {
    const files = globSync(
      ["*.ts", "{calling,dashboard,events,flows,http,manager,platform,process,router,runtimes}/**/*.ts"],
      {
        cwd: ROOT,
      },
    );
    const inSource = files.flatMap((file) => read(file).match(VARIABLE) ?? []);
    const inTables = ["settings", "limits", "observability", "kubernetes"].flatMap((name) => {
      const rows = read(`docs/${name}.md`).match(/^\|.*$/gm) ?? [];
      return rows.flatMap((row) => row.match(VARIABLE) ?? []);
    });
    const expected = new Set(inSource.filter((name) => !SET_BY_SKIFF.includes(name)));
    assert.deepEqual([...new Set(inTables)].sort(), [...expected].sort());
  });
});
