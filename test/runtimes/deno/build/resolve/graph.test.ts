import assert from "node:assert/strict";
import type { SourceError } from "../../../../../platform/problems.ts";
import { Problem } from "../../../../../platform/problems.ts";
import { checkGraph, type Graph } from "../../../../../runtimes/deno/build/resolve/graph.ts";

const ROOT = "/run/project";
const MAIN = `file://${ROOT}/main.ts`;
const files = new Map([["main.ts", new TextEncoder().encode(`import "./a.ts";\nimport "x";`)]]);
const project = { root: ROOT, entry: "main.ts", files };
const target = (specifier: string, line = 1) => ({ specifier, span: { start: { line, character: 7 } } });
const graphOf = (modules: Graph["modules"], redirects = {}): Graph => ({ roots: [MAIN], modules, redirects });

function errorsOf(graph: Graph): readonly SourceError[] {
  try {
    checkGraph(graph, project);
    return [];
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error.extensions.errors!;
  }
}

const PASSWD = "file:///etc/passwd";

describe("the check of the modules that a start loads", () => {
  it("accepts files of the project and modules from elsewhere", () => {
    const dependencies = [
      { specifier: "./a.ts", code: target(`file://${ROOT}/a.ts`) },
      { specifier: "https://a.example/x.js", code: target("https://a.example/x.js") },
      { specifier: "./types.ts", type: target("file:///none.d.ts") },
    ];
    const modules = [
      { specifier: MAIN, local: `${ROOT}/main.ts`, dependencies },
      { specifier: `file://${ROOT}/a.ts`, local: `${ROOT}/a.ts` },
      { specifier: "https://a.example/x.js", local: `${ROOT}/vendor/a.example/x.js` },
      { specifier: "node:fs" },
    ];
    assert.deepEqual(errorsOf(graphOf(modules)), []);
  });

  for (const [specifier, local] of [
    ["file:///etc/passwd", null],
    [`file://${ROOT}/..%2fsecret.js`, `${ROOT}/../secret.js`],
    ["https://a.example/x.js", "/etc/passwd"],
  ] as const) {
    it(`refuses ${specifier} from ${local}, however it is imported`, () => {
      for (const isDynamic of [false, true]) {
        const dependencies = [{ specifier, isDynamic, code: target(specifier) }];
        const [error] = errorsOf(
          graphOf([
            { specifier: MAIN, dependencies },
            { specifier, local },
          ]),
        );
        assert.match(error!.message, /^files of the machine/);
        assert.deepEqual([error!.file, error!.line, error!.column], ["main.ts", 2, 8]);
      }
    });
  }

  it("refuses a part of a package that is not there, unless the import is dynamic", () => {
    const code = {
      error: "[ERR_MODULE_NOT_FOUND] Cannot find module 'file:///run/project/node_modules/x/y.js'",
      span: target("").span,
    };
    const errors = (isDynamic: boolean) =>
      errorsOf(graphOf([{ specifier: MAIN, dependencies: [{ specifier: "npm:x/y.js", isDynamic, code }] }]));
    assert.equal(errors(false)[0]!.message, `"npm:x/y.js": the package has no such file or export`);
    assert.deepEqual(errors(true), []);
  });

  it("names the import of the project that leads to an error elsewhere, through redirects", () => {
    const modules = [
      { specifier: MAIN, dependencies: [{ specifier: "x", code: target("https://a.example/x") }] },
      {
        specifier: "https://b.example/x",
        dependencies: [{ specifier: "./y", code: target("https://b.example/y", 0) }],
      },
      { specifier: "https://b.example/y", error: `Module not found "https://b.example/y".` },
    ];
    const redirects = { "https://a.example/x": "https://b.example/x" };
    const [error] = errorsOf(graphOf(modules, redirects));
    assert.equal(error!.message, `"https://b.example/y" does not exist`);
    assert.deepEqual([error!.file, error!.line, error!.lineText], ["main.ts", 2, `import "x";`]);
  });

  it("does not concern files that types and source maps lead to, which no start loads", () => {
    const modules = [{ specifier: MAIN, dependencies: [{ specifier: PASSWD }] }, { specifier: PASSWD }];
    assert.deepEqual(errorsOf(graphOf(modules)), []);
  });

  it("ends for modules that import each other", () => {
    const [a, b] = ["https://a.example/a", "https://a.example/b"];
    const modules = [
      { specifier: a, dependencies: [{ specifier: b, code: target(b) }] },
      { specifier: b, dependencies: [{ specifier: a, code: target(a) }] },
      { specifier: MAIN, dependencies: [a, PASSWD].map((each) => ({ specifier: each, code: target(each) })) },
      { specifier: PASSWD },
    ];
    assert.equal(errorsOf(graphOf(modules)).length, 1);
    const broken = [
      {
        specifier: a,
        dependencies: [
          { specifier: b, code: { error: "no" } },
          { specifier: a, code: target(a) },
        ],
      },
    ];
    assert.equal(errorsOf({ roots: [a], modules: broken }).length, 1);
  });
});
