import assert from "node:assert/strict";
import { problemOf } from "../building.ts";
import { projectOf } from "./running.ts";

const main = "export default () => 1;";
const entryOf = async (texts: Record<string, string>, entry?: string) =>
  (await projectOf(texts, entry)).entry;
const detailOf = async (texts: Record<string, string>, entry?: string) =>
  (await problemOf(projectOf(texts, entry), "invalid_source")).detail;
/** Two files that no rule but the one under test finds. */
const source = { "a/one.ts": main, "b/two.ts": main };

describe("the entry of a project", () => {
  it("is the one that the setting names", async () => {
    assert.equal(await entryOf({ ...source, "main.ts": main }, "a/one.ts"), "a/one.ts");
    assert.equal(await entryOf({ ...source, "main.ts": main }, "./b/two.ts"), "b/two.ts");
  });

  it("must be there if the setting names it, and the message names the nearest files", async () => {
    assert.match(
      await detailOf(source, "one.ts"),
      /entry=one\.ts is not in the source\. Did you mean a\/one\.ts\?/,
    );
    assert.match(await detailOf(source, "b/tow.ts"), /Did you mean b\/two\.ts/);
    assert.match(await detailOf(source, "../x.ts"), /is not in the source/);
  });

  const named: Record<string, Record<string, string>> = {
    "exports of deno.json": { "deno.json": '{ "exports": "./b/two.ts" }' },
    "the export . of deno.jsonc": { "deno.jsonc": '{ "exports": { ".": "./b/two.ts" }, /* x */ }' },
    "the task start of deno.json": {
      "deno.json":
        '{ "tasks": { "start": "NODE_ENV=x deno run --allow-net --env-file=.env b/two.ts --port 1" } }',
    },
    "a described task start": {
      "deno.json": '{ "tasks": { "start": { "command": "deno serve -A ./b/two.ts" } } }',
    },
    "main of package.json": { "package.json": '{ "main": "b/two.ts" }' },
    "main without an ending": { "package.json": '{ "main": "./b/two" }' },
    "module of package.json": { "package.json": '{ "module": "b/two.ts" }' },
    "exports of package.json": { "package.json": '{ "exports": "./b/two.ts" }' },
    "the import condition": {
      "package.json": '{ "exports": { ".": { "types": "./b/two.d.ts", "import": "./b/two.ts" } } }',
    },
    "the script start": { "package.json": '{ "scripts": { "start": "tsx --env-file .env b/two.ts" } }' },
    "a built main, and what the script runs": {
      "package.json":
        '{ "main": "dist/index.js", "scripts": { "start": "node --import ./a/one.ts b/two.ts" } }',
    },
    "main of wrangler.toml": {
      "wrangler.toml": 'name = "x"\n main = \'b/two.ts\' # x\n[env.staging]\nmain = "a/one.ts"\n',
    },
    "main of wrangler.jsonc": { "wrangler.jsonc": '{ "main": "b/two.ts", }' },
    "a project of Supabase": { "b/index.ts": main, "_shared/cors.ts": main },
  };
  for (const [what, files] of Object.entries(named)) {
    it(`is what the configuration names: ${what}`, async () => {
      const expected = "b/index.ts" in files ? "b/index.ts" : "b/two.ts";
      assert.equal(await entryOf({ ...source, ...files }), expected);
    });
  }

  it("is taken from deno.json before package.json, and from that before wrangler.toml", async () => {
    const files = {
      ...source,
      "main.ts": main,
      "deno.json": '{ "exports": "./a/one.ts" }',
      "package.json": '{ "main": "b/two.ts" }',
      "wrangler.toml": 'main = "main.ts"',
    };
    assert.equal(await entryOf(files), "a/one.ts");
    assert.equal(await entryOf({ ...files, "deno.json": "{}" }), "b/two.ts");
    assert.equal(await entryOf({ ...files, "deno.json": "{}", "package.json": "{}" }), "main.ts");
  });

  it("ignores the main of a table of wrangler.toml", async () => {
    const files = { ...source, "index.ts": main, "wrangler.toml": 'name = "x"\n[build]\nmain = "b/two.ts"' };
    assert.equal(await entryOf(files), "index.ts");
  });

  it("has a usual name, at the root before src", async () => {
    const names = ["main.ts", "main.mts", "mod.ts", "index.tsx", "index.cjs", "server.js", "app.jsx"];
    for (const [at, name] of names.entries()) {
      const rest = Object.fromEntries(names.slice(at).map((each) => [each, main]));
      assert.equal(await entryOf({ ...source, ...rest, "src/main.ts": main }), name);
    }
    assert.equal(await entryOf({ ...source, "src/app.ts": main, "src/server.mjs": main }), "src/server.mjs");
  });

  it("asks for a choice among several functions of Supabase", async () => {
    const files = { "supabase/functions/a/index.ts": main, "supabase/functions/b/index.ts": main };
    assert.match(
      await detailOf(files),
      /several functions \(a\/index\.ts, b\/index\.ts\): choose one, .*entry=a\/index\.ts/,
    );
  });

  it("says what was looked for and what there is", async () => {
    const detail = await detailOf({ ...source, "package.json": '{ "main": "dist/index.js" }' });
    assert.match(
      detail,
      /^Main of package\.json names "dist\/index\.js", which is not there; and there is no main, mod/,
    );
    assert.match(
      detail,
      /There is a\/one\.ts, b\/two\.ts, package\.json\. Name the main module with entry=PATH\.$/,
    );
    assert.match(await detailOf({}), /The archive is empty/);
  });
});
