import assert from "node:assert/strict";
import {
  BrokenDownload,
  explainFailure,
  failedRemoteModule,
} from "../../../../../runtimes/deno/build/resolve/explain.ts";
import {
  pathInProject,
  type ResolvedProject,
} from "../../../../../runtimes/deno/build/resolve/project-place.ts";

const encoder = new TextEncoder();
const project: ResolvedProject = {
  root: "/builds/run/project",
  entry: "src/main.ts",
  files: new Map([
    ["src/main.ts", encoder.encode(`import "./a.ts";\nimport "npm:x";`)],
    ["src/lib/Half.ts", encoder.encode("")],
    ["deno.json", encoder.encode("{}")],
  ]),
};
const at = (path: string, line = 2, column = 8) =>
  `\n    at file:///builds/run/project/${path}:${line}:${column}\n\nStack backtrace:\n   0: <unknown>`;
const messageOf = (text: string) => {
  const failure = explainFailure(`Download x\nerror: ${text}`, project);
  return (failure instanceof BrokenDownload ? failure.problem : failure).extensions.errors![0]!;
};

describe("the explanation of a failed installation", () => {
  const messages: readonly (readonly [string, string | RegExp])[] = [
    [
      `Requires import access to "a.example:443", run again with the --allow-import flag`,
      /^imports from a\.example are refused; .*SKIFF_IMPORT_HOSTS/,
    ],
    [
      "JSR package manifest for '@a/b' failed to load. Requires import access to \"jsr.io\"",
      /^imports from jsr\.io are refused/,
    ],
    [
      "JSR package manifest for '@a/b' failed to load. error sending request",
      "jsr:@a/b: JSR cannot be reached from here",
    ],
    ["JSR package not found: @a/b", "there is no package jsr:@a/b"],
    ["npm package 'x' does not exist.", "there is no package npm:x"],
    ["Could not find npm package 'ms' matching '99'.", "there is no version 99 of npm:ms"],
    [
      `Error getting response at http://r/x for package "x": error sending request`,
      "npm:x: the npm registry cannot be reached from here",
    ],
    [`Failed loading https://r/x for package "x"`, "npm:x: the npm registry cannot be reached from here"],
    ["Invalid package specifier 'npm:@'", `"npm:@" names no package`],
    ["Import 'https://a.example/x.js' failed, not found.", `"https://a.example/x.js" does not exist`],
    [
      "Import 'https://a.example/x.js' failed.\n    0: dns error",
      `"https://a.example/x.js" cannot be reached from here`,
    ],
    [`Module not found "https://a.example/x.js".`, `"https://a.example/x.js" does not exist`],
    [
      `Module not found "file:///builds/run/project/src/lib/half.ts".`,
      `Could not find "src/lib/half.ts" in the source; did you mean "src/lib/Half.ts"?`,
    ],
    [
      `Module not found "file:///builds/run/project/src/%zz.ts".`,
      `Could not find "src/%zz.ts" in the source`,
    ],
    [`Module not found "file:///etc/passwd".`, /^files of the machine cannot be imported/],
    [`Module not found "file:///builds/run/project/..%2fx.ts".`, /^files of the machine cannot be imported/],
    [`Import "lodash" not a dependency`, /^"lodash" is a bare name: write "npm:lodash"/],
    [`Relative import path "lodash" not prefixed with / or ./ or ../`, /^"lodash" is a bare name/],
    [`Import "react/jsx-runtime" not a dependency`, /@jsxImportSource npm:preact/],
    [
      `Unsupported scheme "cloudflare" for module "cloudflare:workers".`,
      /^cloudflare: imports are not supported/,
    ],
    ["No such built-in module: node:nothing", `Deno has no module "node:nothing"`],
    ["SyntaxError: Expression expected", "Expression expected"],
    ["something at /home/a/b happened", /^files of the machine cannot be imported/],
  ];
  for (const [text, expected] of messages) {
    it(`of ${text.split("\n")[0]}`, () => {
      const { message, file, line, column, lineText } = messageOf(text + at("src/main.ts"));
      if (typeof expected === "string") assert.equal(message, expected);
      else assert.match(message, expected);
      assert.deepEqual(
        { file, line, column, lineText },
        { file: "src/main.ts", line: 2, column: 8, lineText: `import "npm:x";` },
      );
    });
  }

  it("is at the start of the main module without a place", () => {
    const { file, line, column } = messageOf("something happened");
    assert.deepEqual({ file, line, column }, { file: "src/main.ts", line: 1, column: 1 });
  });

  it("quotes no file of the machine", () => {
    const text =
      "SyntaxError: Unexpected token `SECRET`\n  |\n1 | root SECRET\n    at file:///etc/shadow:1:6";
    const error = messageOf(text);
    assert.match(error.message, /^files of the machine/);
    assert.doesNotMatch(JSON.stringify(error), /SECRET|shadow/);
  });

  it("names the import of a module from elsewhere, and the place in that", () => {
    const stderr = "error: Expression expected\n    at https://a.example/x.js:3:4\n";
    assert.equal(failedRemoteModule(stderr), "https://a.example/x.js");
    const place = { file: "src/main.ts", line: 2, column: 8, lineText: "" };
    const failure = explainFailure(stderr, project, place);
    assert.ok(!(failure instanceof BrokenDownload));
    assert.deepEqual(failure.extensions.errors, [
      { ...place, message: "Expression expected (in https://a.example/x.js:3:4)" },
    ]);
  });

  it("lets a download that broke off be tried again, and no other", () => {
    const failure = (text: string) => explainFailure(`error: ${text}`, project);
    assert.ok(failure("error sending request for url (https://a.example/)") instanceof BrokenDownload);
    assert.ok(failure("connection reset by peer") instanceof BrokenDownload);
    assert.ok(!(failure("error sending request: dns error") instanceof BrokenDownload));
    assert.ok(
      !(failure("error sending request: tcp connect error: Connection refused") instanceof BrokenDownload),
    );
  });
});

describe("the path of a URL in a project", () => {
  const cases: Record<string, string | undefined> = {
    "file:///builds/run/project/a/b.ts": "a/b.ts",
    "file:///builds/run/project/a%20b.ts": "a b.ts",
    "file:///builds/run/project/%zz.ts": "%zz.ts",
    "file:///builds/run/project/..a.ts": "..a.ts",
    "file:///builds/run/project/a/..%2fb.ts": "b.ts",
    "file:///builds/run/project": undefined,
    "file:///builds/run/project/": undefined,
    "file:///builds/run/project2/a.ts": undefined,
    "file:///builds/run/project/..%2fa.ts": undefined,
    "file:///builds/run/project/a/..%2F..%2fa.ts": undefined,
    "file:///builds/run/project/%2e%2e%2fa.ts": undefined,
    "file:///builds/run/project/../a.ts": undefined,
    "FILE:///builds/run/project/a.ts": "a.ts",
    "https://a.example/builds/run/project/a.ts": undefined,
    "": undefined,
  };
  for (const [url, path] of Object.entries(cases)) {
    it(`of ${url} is ${path}`, () => assert.equal(pathInProject(url, project.root), path));
  }
});
