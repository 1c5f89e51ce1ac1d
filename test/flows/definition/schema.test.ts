import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { parseFlow } from "../../../platform/flows/definition/parse.ts";
import { KEYS } from "../../../platform/flows/definition/reading/keys.ts";
import { flowSchema } from "../../../platform/flows/definition/schema/flow-schema.ts";
import { compileSchema } from "../../../platform/flows/input/json-schema.ts";
import { OPTIONS } from "./parsing.ts";

type Json = Readonly<Record<string, unknown>>;

const compiled = compileSchema(flowSchema());
assert.ok("check" in compiled, JSON.stringify(compiled));
const { check } = compiled;

/** Texts that the schema and the parser must agree on. */
const WRONG = [
  "steps: {}",
  "flow: f",
  "steps: {a: {}}",
  "steps: {a: {fn: a, http: 'https://example.com/'}}",
  "steps: {a: {fn: A}}",
  "steps: {a: {fn: a, need: [b]}}",
  "steps: {A: {fn: a}}",
  "steps: {in: {fn: a}}",
  "steps: {a: {fn: a, timeout: 30}}",
  "steps: {a: {fn: a, retry: {attempts: 0}}}",
  "steps: {a: {fn: a, while: last.more}}",
  "steps: {a: {fn: a, concurrency: 3}}",
  "steps: {a: {fn: a, catch: [{on: timeout}]}}",
  "steps: {a: {fn: a, catch: [{output: 1, then: a}]}}",
  "steps: {a: {fn: {method: GET}}}",
  "steps: {a: {wait: {for: 1s, until: input.at}}}",
  "steps: {a: {wait: {event: t, by: event.id}}}",
  "steps: {a: {exec: {image: host}}}",
  "steps: {a: {approve: ''}}",
  "steps: {a: {approve: {by: token}}}",
  "steps: {a: {approve: {message: Go?, by: [ann]}}}",
  "steps: {a: {fn: a}}\non: {http: orders}",
  "steps: {a: {fn: a}}\non: {topic: {filter: {exact: {type: a}}}}",
  "steps: {a: {fn: a}}\non: {topic: {topic: t, filter: {}}}",
  "steps: {a: {fn: a}}\non: {cron: {timeZone: UTC}}",
  "steps: {a: {fn: a}}\ninput: [1]",
];

const RIGHT = [
  "steps: {a: {fn: a@3, needs: []}, b: {fn: {name: b, headers: {x-n: 1}}, needs: a, if: true, timeout: 1.5h}}",
  "steps: {a: {fn: a, each: [1, 2], concurrency: 3, catch: {on: [404, 5xx], output: null}}}",
  "steps: {a: {fn: a, while: iteration < 3, max: 5, retry: {on: [429, connection], backoff: 2s}}}",
  "steps: {a: {wait: 10s}, b: {wait: {for: 1d}}, c: {wait: {until: run.startedAt}}, d: {wait: {event: t, by: event.id, equals: 3}}}",
  "steps: {a: {publish: {topic: t, attributes: {subject: '${ input.id }'}}}, b: {exec: {cmd: [echo, 1]}}, c: {approve: Go?}, d: {flow: g}}",
  "steps: {a: {approve: {message: Go?, by: token}}, b: {approve: {message: Go?, by: [key ops, 'oidc ann@example.com']}}}",
  "steps: {a: {fn: a}}\non: {http: true, topic: [a, {topic: b, from: earliest}], cron: ['0 3 * * *', {cron: '@hourly', input: {a: 1}}]}",
  "steps: {a: {fn: a}}\nfinally: {z: {http: {url: 'https://example.com/'}}}\noutput: '${ steps.a.output }'\ninput: true\ntimeout: 2h",
];

/** The names of members of each object of the schema, as sorted texts. */
function objectsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(objectsOf);
  if (typeof schema !== "object" || schema === null) return [];
  const { properties } = schema as { properties?: Json };
  const own = properties === undefined ? [] : [Object.keys(properties).sort().join()];
  return [...own, ...Object.values(schema).flatMap(objectsOf)];
}

describe("the schema for editors", () => {
  it("agrees with the parser on what is wrong", () => {
    for (const text of WRONG) {
      assert.ok(parseFlow(text, { ...OPTIONS, name: "f" }).faults !== undefined, `parser: ${text}`);
      assert.ok(check(parse(text)).length > 0, `schema: ${text}`);
    }
  });

  it("accepts what the parser accepts", () => {
    for (const text of RIGHT) {
      assert.deepEqual(parseFlow(text, { ...OPTIONS, name: "f" }).faults, undefined, text);
      assert.deepEqual(check(parse(text)), [], text);
    }
    const page = readFileSync(new URL("../../../docs/flows.md", import.meta.url), "utf8");
    const texts = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
    const flows = texts.filter((text) => /^steps:/m.test(text));
    assert.ok(flows.length > 1);
    for (const text of flows) assert.deepEqual(check(parse(text)), [], text);
  });

  it("accepts the examples", () => {
    const folder = new URL("../../../examples/flows/", import.meta.url);
    const files = readdirSync(folder).filter((file) => /^[a-z]+\.yaml$/.test(file) && file !== "skiff.yaml");
    assert.ok(files.length > 3);
    for (const file of files) {
      const text = readFileSync(new URL(file, folder), "utf8");
      assert.deepEqual(
        parseFlow(text, { ...OPTIONS, name: file.replace(".yaml", "") }).faults,
        undefined,
        file,
      );
      assert.deepEqual(check(parse(text)), [], file);
    }
  });

  it("has the keys that the parser knows", () => {
    const { action, options, wait, ...objects } = KEYS;
    const known = Object.values({ ...objects, step: [...action, ...options] }).map((keys) =>
      [...keys].sort().join(),
    );
    const found = objectsOf(flowSchema());
    assert.deepEqual(
      known.filter((keys) => !found.includes(keys)),
      [],
    );
    const waits = found.flatMap((keys) => keys.split(","));
    assert.deepEqual(
      wait.filter((key) => !waits.includes(key)),
      [],
    );
  });

  it("describes every key of a step", () => {
    const { $defs } = flowSchema() as { $defs: { step: { properties: Json } } };
    for (const [key, schema] of Object.entries($defs.step.properties)) {
      assert.equal(typeof (schema as { description?: unknown }).description, "string", key);
    }
  });
});
