import assert from "node:assert/strict";
import {
  encodeHeader,
  type Frame,
  FrameReader,
  HEADER_BYTES,
} from "../../../../runtimes/deno/build/frames.ts";
import { readProblem } from "../../../../runtimes/deno/build/source-build.ts";
import type { Reply } from "../../../../runtimes/deno/build/tasks.ts";
import { freeName } from "../../../../runtimes/deno/build/worker/computed-imports.ts";
import { lineAt, longestLine, startsOfLines } from "../../../../runtimes/deno/build/worker/diagnostics.ts";
import { ImportMap } from "../../../../runtimes/deno/build/worker/import-map.ts";
import { plainJson } from "../../../../runtimes/deno/build/worker/jsonc.ts";
import { holdsForeignModule } from "../../../../runtimes/deno/build/worker/module-check.ts";
import {
  renameSources,
  splitInlineMap,
  withInlineMap,
} from "../../../../runtimes/deno/build/worker/source-map.ts";

const MIB = 1024 ** 2;
type ProblemReply = Extract<Reply, { outcome: "problem" }>;

describe("frames between Skiff and a build worker", () => {
  const bodies = [Buffer.from("first"), Buffer.alloc(0)] as const;
  const whole = Buffer.concat([encodeHeader({ a: "é" }, [bodies[0].length, 0]), ...bodies]);

  it("arrive whole in whatever pieces they come", () => {
    for (const size of [1, 3, 7, whole.length, 3 * whole.length]) {
      const frames: Frame[] = [];
      const reader = new FrameReader(10, (frame) => frames.push(frame));
      const stream = Buffer.concat([whole, whole, whole]);
      for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
      assert.deepEqual(
        frames,
        Array(3).fill({ header: { a: "é" }, bodies: [Buffer.from("first"), Buffer.alloc(0)] }),
      );
    }
  });

  it("are refused when they announce more than they may have", () => {
    const reader = () => new FrameReader(4, () => assert.fail("a frame"));
    assert.throws(() => reader().push(whole), /too long/);
    const header = Buffer.alloc(12);
    header.writeUInt32LE(HEADER_BYTES + 1);
    assert.throws(() => reader().push(header), /too long/);
    assert.throws(() => encodeHeader("a".repeat(HEADER_BYTES), [0, 0]), /too long/);
  });

  it("bring problems of sources alone, with what belongs to one", () => {
    const reply: ProblemReply = {
      outcome: "problem",
      code: "build_failed",
      detail: "no",
      extensions: { setting: "S" },
    };
    const extensions = { setting: "S", log: ["x"], retryAfterS: 5, errors: [] };
    const { code, detail, extensions: kept } = readProblem({ ...reply, extensions });
    assert.deepEqual(
      { code, detail, kept },
      { code: "build_failed", detail: "no", kept: { errors: [], setting: "S" } },
    );
    for (const wrong of [
      { code: "unauthorized" },
      { code: "constructor" },
      { detail: 7 },
      { extensions: null },
    ]) {
      assert.throws(() => readProblem({ ...reply, ...wrong } as ProblemReply), /unknown problem/);
    }
  });
});

describe("an import map", () => {
  const map = new ImportMap([
    ["a", "./a.ts"],
    ["a/", "./lib/"],
    ["a/b/", "./b/"],
    ["hono", "npm:hono@4"],
    ["local", "./local.ts"],
    ["__proto__", "./proto.ts"],
    ["", "./empty.ts"],
    ["/", "./root/"],
  ]);
  const expected: Record<string, string | undefined> = {
    a: "./a.ts",
    "a/": "./lib/",
    "a/x.ts": "./lib/x.ts",
    "a/b/x.ts": "./b/x.ts",
    "a/bx.ts": "./lib/bx.ts",
    hono: "npm:hono@4",
    "hono/jsx/runtime": "npm:hono@4/jsx/runtime",
    honour: undefined,
    "local/x": undefined,
    constructor: undefined,
    "": "./empty.ts",
    "/x": "./root/x",
  };
  for (const [specifier, target] of Object.entries(expected)) {
    it(`makes ${target} of "${specifier}"`, () => assert.equal(map.map(specifier), target));
  }
  it("knows names that every object has as names", () => assert.equal(map.map("__proto__"), "./proto.ts"));

  it("takes no longer for many keys and long names", () => {
    const keys = Array.from({ length: 50_000 }, (_, n) => [`${"a/".repeat(n % 50)}${n}/`, "./x/"] as const);
    const large = new ImportMap([...keys, ["a/", "./found/"]]);
    const long = `${"a/".repeat(MIB)}b`;
    assert.equal(large.map(long), `./found/${long.slice(2)}`);
    for (let n = 0; n < 50_000; n++) assert.equal(large.map(`none-${n}`), undefined);
  }).timeout(5_000);
});

describe("JSON with comments", () => {
  const cases: Record<string, string> = {
    '{"a": 1}': '{"a": 1}',
    '{"a": "//", /* x */ "b": "/*"} // end': '{"a": "//",  "b": "/*"} ',
    "[1, 2, /* x */ ]": "[1, 2  ]",
    "[1,\n]": "[1\n]",
    '{"a\\"//": 1,}': '{"a\\"//": 1}',
    '"open // ': '"open // ',
    "/* open": "",
    "[,]": "[]",
  };
  for (const [text, plain] of Object.entries(cases)) {
    it(`becomes plain: ${JSON.stringify(text)}`, () => assert.equal(plainJson(text), plain));
  }
});

describe("a free name", () => {
  it("is the first that is not in the code", () => {
    assert.equal(freeName("", "$", 6), "$____0");
    assert.equal(freeName("$____0 $____1 $____3", "$", 6), "$____2");
    assert.equal(freeName("x$____0", "$", 6), "$____1");
    assert.equal(freeName("________0 ______1", "_", 7), "______2");
  });

  it("is found in one pass, however many are taken", () => {
    const taken = Array.from({ length: 300_000 }, (_, n) => `$${n.toString(36).padStart(5, "_")}`).join(";");
    assert.equal(freeName(taken, "$", 6), `$${(300_000).toString(36).padStart(5, "_")}`);
    assert.equal(freeName("_".repeat(5 * MIB), "_", 7), "______0");
  }).timeout(5_000);
});

describe("the lines of a text", () => {
  const text = "a\nbb\r\nccc\rd\u2028e\u2029";
  it("end where esbuild lets them end", () => {
    assert.deepEqual([...startsOfLines(text)], [0, 2, 6, 10, 12, 14]);
    const lines = Array.from({ length: 7 }, (_, n) => lineAt(text, n + 1));
    assert.deepEqual(lines, ["a", "bb", "ccc", "d", "e", "", undefined]);
    assert.equal(longestLine(text), 4);
  });
});

describe("the map of a bundle", () => {
  const own = new Map([["main.ts", Buffer.from("own text")]]);

  it("keeps names and texts of the user's files, and names of packages", () => {
    const given = {
      version: 3,
      sources: [
        "../../main.ts",
        "../../deno-2/npm/registry.npmjs.org/ms/2.1.3/index.js",
        "deno:https://x.test/y.js",
      ],
      sourcesContent: ["other", "theirs", "theirs"],
      mappings: "AAAA",
      names: [],
    };
    const { sources, sourcesContent } = JSON.parse(renameSources(JSON.stringify(given), own));
    assert.deepEqual(sources, ["main.ts", "npm:ms@2.1.3/index.js", "https://x.test/y.js"]);
    assert.deepEqual(sourcesContent, ["own text", null, null]);
  });

  it("drops whatever a map from elsewhere says", () => {
    const given = {
      version: 3,
      file: "SECRET",
      sourceRoot: "SECRET",
      sources: ["SECRET.ts", "../../../home/SECRET/x.ts", "file:///SECRET", "webpack://SECRET"],
      sourcesContent: ["SECRET", "SECRET", "SECRET", "SECRET"],
      names: ["SECRET", "a"],
      mappings: "AAAA",
      x_SECRET: "SECRET",
    };
    const map = renameSources(JSON.stringify(given), own);
    assert.doesNotMatch(map, /SECRET/);
    assert.deepEqual(JSON.parse(map).names, ["", ""]);
  });

  it("goes into the module and out of it again", () => {
    const module = withInlineMap(Buffer.from("code; // é  \n\n"), `{"a": "é"}`);
    const { code, mapJson } = splitInlineMap(module);
    assert.equal(code.toString(), "code; // é\n");
    assert.equal(mapJson, `{"a": "é"}`);
    assert.throws(() => splitInlineMap(Buffer.from("code")), /no source map/);
  });
});

describe("the modules in a bundle", () => {
  const holds = (text: string) => holdsForeignModule(Buffer.from(text));
  const inPackage = "../../deno-1/npm/registry.npmjs.org/a/1.0.0/";
  it("are own, of packages, or foreign", () => {
    assert.equal(holds("// main.ts\ncode\n// a comment"), false);
    assert.equal(holds(`// ${inPackage}index.js\ncode`), false);
    assert.equal(holds("code\n// ../../secret.js\ncode"), true);
    assert.equal(holds("code\n// ../../x\u2028.js"), true);
    assert.equal(holds(`// import("./parts/*.js") in ${inPackage}index.js`), false);
    assert.equal(holds(`// import("../../*.js") in ${inPackage}index.js`), true);
    assert.equal(holds(`// require("${"a".repeat(20_000)}") in x`), true);
  });
});
