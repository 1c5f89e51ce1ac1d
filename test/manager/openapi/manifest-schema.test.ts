import assert from "node:assert/strict";
import request from "supertest";
import { SETTING_NAMES } from "../../../manager/files/manifest/declared.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { schemaFaults } from "./schema-check.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

describe("manager: the JSON Schema of skiff.yaml", () => {
  let skiff: StartedManager;
  let schema: Any;
  before(async () => {
    skiff = await startManager();
    const answer = await request(skiff.url)
      .get("/schema/skiff.json")
      .buffer()
      .parse((response, done) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk)).on("end", () => done(null, text));
      });
    assert.match(answer.headers["content-type"]!, /^application\/schema\+json/);
    schema = JSON.parse(answer.body);
  });
  after(() => skiff.stop());

  const faults = (manifest: unknown) => schemaFaults(schema, manifest, schema);

  it("has every setting under both of its names", () => {
    for (const members of [
      schema.else,
      schema.then.properties.defaults,
      schema.$defs.function,
      schema.$defs.listed,
    ]) {
      const settings = Object.keys(members.properties).filter(
        (name) => !/^(name|source|image|message|topic|channel|versions|sticky|guard|weight)$/.test(name),
      );
      assert.deepEqual(settings.sort(), [...SETTING_NAMES].sort());
    }
  });

  it("accepts what an apply accepts", () => {
    const settings = {
      ...{ min: 1, max: 3, timeout: "30s", idleMs: 2_000, memory: "256Mi", memoryMiB: null, entry: "a.ts" },
      ...{
        env: { A: "a", B: null, C: { secret: "c" } },
        net: ["public"],
        sys: "cpus",
        hosts: ["a.example.com"],
      },
      ...{ secrets: ["db-password"], access: "key", rate: "10/s", monthly: 5, quota: { inFlight: 7 } },
      ...{ cron: ["0 3 * * *"], attempts: 3, "retry-on": ["5xx"], retry: { backoffMs: 500 } },
      ...{ runtime: "program", command: ["python3", "app.py"], mode: "call", cgi: true, isolation: "call" },
      ...{ pool: 2, "runtime-class": "gvisor", pullSecret: null },
      permissions: { net: ["10.0.0.1"], sys: null },
    };
    const manifests = [
      {
        functions: {
          hello: settings,
          other: null,
          short: "src/short.ts",
          "a-b": { source: "x/", message: "m" },
        },
      },
      { defaults: settings, functions: {} },
      {
        functions: {
          a: {
            versions: [{ weight: 9, ...settings }, { weight: 0 }],
            sticky: { header: "x" },
            guard: { slowdown: 2 },
          },
        },
      },
      { functions: null },
      {
        functions: { a: { topic: "t", channel: "c" } },
        topics: { t: null, u: { keepFor: "1h" } },
        subscriptions: { s: { topic: "t", function: "a", filter: { not: { exact: { type: "x" } } } } },
        schedules: { d: { cron: "@daily", event: { topic: "t", data: { a: [1] } } } },
      },
      { topics: {} },
      { name: "hello", message: "first", ...settings },
      {
        image: { repository: "x" },
        functions: [{ name: "a", topic: "t", command: ["/bin/app"], replicas: 2 }],
      },
    ];
    for (const manifest of manifests) assert.deepEqual(faults(manifest), [], JSON.stringify(manifest));
  });

  it("refuses what an apply refuses", () => {
    const wrong = [
      { functions: { a: { memry: "256Mi" } } },
      { functions: { A: {} } },
      { functions: { a: { min: -1 } } },
      { functions: { a: { access: "everybody" } } },
      { functions: { a: { env: { A: 1 } } } },
      { functions: { a: { timeoutMs: "soon" } } },
      { functions: { a: {} }, memory: "1Gi" },
      { functions: [{ topic: "t" }] },
      { functions: { a: { versions: [{ source: "a.ts" }] } } },
      { functions: { a: { sticky: {} } } },
      { topics: { T: null } },
      { topics: { t: { keepfor: "1h" } } },
      { subscriptions: { s: { function: "a" } } },
      { schedules: { d: null } },
      { nam: "hello" },
    ];
    for (const manifest of wrong) assert.notDeepEqual(faults(manifest), [], JSON.stringify(manifest));
  });
});
