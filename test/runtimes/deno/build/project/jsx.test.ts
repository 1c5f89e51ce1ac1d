import assert from "node:assert/strict";
import { problemOf } from "../building.ts";
import { configOf, projectOf } from "./running.ts";

const page = "export default () => <p>hi</p>;";
const optionsOf = async (files: Record<string, string>) =>
  configOf(await projectOf({ "readme.md": "", ...files })).compilerOptions;
const automatic = (jsxImportSource: string) => ({ jsx: "react-jsx", jsxImportSource });

describe("the JSX library of a project", () => {
  it("is the one of the configuration", async () => {
    const files = { "main.tsx": `import "npm:react@19"; ${page}` };
    const options = '{ "compilerOptions": { "jsxImportSource": "npm:preact@10" } }';
    assert.deepEqual(await optionsOf({ ...files, "deno.json": options }), automatic("npm:preact@10"));
    assert.deepEqual(await optionsOf({ ...files, "tsconfig.json": options }), automatic("npm:preact@10"));
  });

  it("has the version of its import if the configuration names none", async () => {
    const files = { "main.tsx": `import "npm:hono@4.6/tiny"; ${page}` };
    const options = '{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "hono/jsx" } }';
    assert.deepEqual(await optionsOf({ ...files, "tsconfig.json": options }), automatic("npm:hono@4.6/jsx"));
    const declared = {
      ...files,
      "deno.json": '{ "imports": { "hono": "npm:hono@3" } }',
      "tsconfig.json": options,
    };
    assert.deepEqual(await optionsOf(declared), automatic("hono/jsx"));
  });

  it("is left to the pragma", async () => {
    assert.deepEqual(await optionsOf({ "main.tsx": `/** @jsxImportSource npm:preact */ ${page}` }), {});
    assert.deepEqual(
      await optionsOf({ "main.tsx": `/** @jsx h */ import { h } from "npm:preact"; ${page}` }),
      {},
    );
  });

  it("is React with the classic runtime, Deno's default, where React is in scope", async () => {
    assert.deepEqual(await optionsOf({ "main.tsx": `import React from "npm:react@19"; ${page}` }), {});
    assert.deepEqual(await optionsOf({ "main.tsx": `import * as React from "npm:react@19"; ${page}` }), {});
  });

  const imported: Record<string, [files: Record<string, string>, source: string]> = {
    "react, in one file of two": [
      { "main.tsx": `import React from "npm:react@19"; import "./b.tsx"; ${page}`, "b.tsx": page },
      "npm:react@19",
    ],
    "a hook of react": [
      { "main.tsx": `import { useState } from "npm:react@18.3.1"; ${page}` },
      "npm:react@18.3.1",
    ],
    preact: [{ "main.tsx": `import { h } from "npm:preact@10/hooks"; ${page}` }, "npm:preact@10"],
    solid: [{ "main.tsx": `import "npm:solid-js@1"; ${page}` }, "npm:solid-js@1/h"],
    "hono with its JSX": [
      { "main.tsx": `import "npm:hono@4"; import { html } from "npm:hono@4/jsx/dom"; ${page}` },
      "npm:hono@4/jsx",
    ],
    "hono alone": [{ "main.tsx": `import { Hono } from "npm:hono@4"; ${page}` }, "npm:hono@4/jsx"],
    "hono of JSR": [
      { "main.tsx": `import { Hono } from "jsr:@hono/hono@4"; ${page}` },
      "jsr:@hono/hono@4/jsx",
    ],
    "hono beside react": [
      { "main.tsx": `import "npm:hono@4"; import "npm:react@19"; ${page}` },
      "npm:react@19",
    ],
    "react-dom": [{ "main.tsx": `import "npm:react-dom@19/server"; ${page}` }, "npm:react@19"],
    "react of esm.sh": [
      { "main.tsx": `import "https://esm.sh/react@18.2.0"; ${page}` },
      "https://esm.sh/react@18.2.0",
    ],
    "a declared name": [
      { "main.tsx": `import "preact"; ${page}`, "package.json": '{ "dependencies": { "preact": "10" } }' },
      "preact",
    ],
  };
  for (const [what, [files, source]] of Object.entries(imported)) {
    it(`is the one that is imported: ${what}`, async () => {
      assert.deepEqual(await optionsOf(files), automatic(source));
    });
  }

  it("must be known where JSX is, and the message names the pragma and the file", async () => {
    for (const imports of ["", 'import "npm:react"; import "npm:preact";']) {
      const refused = optionsOf({ "main.ts": 'import "./page.tsx";', "page.tsx": `${imports}\n${page}` });
      const problem = await problemOf(refused, "build_failed");
      assert.match(problem.detail, /JSX needs to know its library: .*@jsxImportSource npm:preact/);
      assert.equal(problem.extensions.errors?.[0]?.file, "page.tsx");
    }
  });

  it("is not asked for in files that the entry does not lead to, or without JSX", async () => {
    assert.deepEqual(await optionsOf({ "main.ts": "", "client/page.tsx": page }), {});
    assert.deepEqual(
      await optionsOf({ "main.tsx": "const x = <T,>(value: T) => value; export default x;" }),
      {},
    );
  });
});
