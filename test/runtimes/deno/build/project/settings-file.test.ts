import assert from "node:assert/strict";
import { parseYaml } from "../../../../../runtimes/deno/build/worker/project/yaml.ts";
import { problemOf } from "../building.ts";
import { projectOf } from "./running.ts";

const withSettings = (text: string, name = "skiff.yaml") => projectOf({ "main.ts": "", [name]: text });

describe("skiff.yaml in an archive", () => {
  it("gives settings, and does not reach instances", async () => {
    for (const name of ["skiff.yaml", "skiff.yml"]) {
      const { files, settings } = await withSettings("memory: 128\nenv:\n  TOKEN: abc # secret\n", name);
      assert.deepEqual(settings, { memory: 128, env: { TOKEN: "abc" } });
      assert.ok(!files.has(name));
    }
  });

  it("may be empty or absent", async () => {
    assert.deepEqual((await withSettings("# nothing\n")).settings, {});
    assert.deepEqual((await withSettings("")).settings, {});
    assert.equal((await projectOf({ "main.ts": "" })).settings, undefined);
  });

  const refused: Record<string, [text: string, message: RegExp]> = {
    "bad YAML": ["memory: 128\nenv: [a\n", /^skiff\.yaml:3:1: not valid YAML: .*/],
    "a list": ["- a\n", /^skiff\.yaml must hold an object/],
    "a text": ["abc", /^skiff\.yaml must hold an object/],
    "a cron expression without quotes": [
      "cron: @daily\n",
      /^skiff\.yaml:1:7: not valid YAML: .+\. Quote an expression that begins with \* or @: cron: "\*\/5 /,
    ],
    "a list of them": ["a: 1\ncron:\n  - */5 * * * *\n", /not valid YAML: .+\. Quote an expression/],
    "a key twice": ["a: 1\na: 2\n", /^skiff\.yaml:2:1: not valid YAML: duplicated mapping key\.\n {2}a: 2$/],
    "two documents": ["a: 1\n---\nb: 1\n", /^skiff\.yaml must hold one document/],
    "aliases that repeat too much": [
      `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`).join("")}`,
      /^skiff\.yaml is over 256 KiB/,
    ],
    "aliases that lead to themselves": ["a: &a [*a]\n", /^skiff\.yaml /],
    "an unknown tag": ["a: !!js/function x\n", /^skiff\.yaml:1:4: not valid YAML: /],
  };
  it("is refused as a bare list of functions with the member that takes it", () => {
    const read = () => parseYaml("functions.yaml", Buffer.from("- name: a\n"));
    assert.throws(read, { detail: 'functions.yaml must hold an object: put the list under "functions:".' });
  });

  for (const [what, [text, message]] of Object.entries(refused)) {
    it(`is refused with ${what}`, async () => {
      assert.match((await problemOf(withSettings(text), "invalid_source")).detail, message);
    });
  }

  it("must be one file", async () => {
    const both = projectOf({ "main.ts": "", "skiff.yaml": "", "skiff.yml": "" });
    assert.match(
      (await problemOf(both, "invalid_source")).detail,
      /skiff\.yaml and skiff\.yml are both there/,
    );
  });
});
