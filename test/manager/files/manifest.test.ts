import assert from "node:assert/strict";
import type { Settings } from "../../../platform/settings/settings.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { actions, apply } from "./folders.ts";

describe("manager: the functions of a skiff.yaml", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const settings = async (name: string): Promise<Settings> => (await skiff.platform.find(name))!.settings;
  const source = async (name: string) => {
    const { bytes, type } = (await skiff.platform.readSource(name))!;
    return { type, text: Buffer.from(bytes).toString() };
  };

  it("are a map of names, with every setting under either of its names", async () => {
    const text = `functions:
  all:
    min: 1
    max: 3
    concurrency: 5
    timeout: 30s
    idleMs: 2000
    memory: 256Mi
    env: { A: a, B: "1" }
    net: [10.0.0.1]
    sys: cpus
    hosts: app.example.com
    access: key
    rate: 10/s
    quota: { inFlight: 7 }
    cron: 0 3 1,15 * *
    attempts: 3
    retry-on: [5xx, 429]
    retry: { backoffMs: 500 }
  none:
  text: other.ts
`;
    const files = { "skiff.yaml": text, "all.ts": "1", "none.js": "2", "other.ts": "3" };
    const answer = await apply(skiff.url, files.valueOf() as Record<string, string>);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(actions(answer), ["create all done", "create none done", "create text done"]);
    const { min, max, concurrency, timeoutMs, idleMs, memoryMiB, env, permissions, hosts, access, quota } =
      await settings("all");
    assert.deepEqual([min, max, concurrency, timeoutMs, idleMs, memoryMiB], [1, 3, 5, 30_000, 2_000, 256]);
    assert.deepEqual([env, hosts, access], [{ A: "a", B: "1" }, ["app.example.com"], "key"]);
    assert.deepEqual(permissions, { net: ["10.0.0.1"], sys: ["cpus"] });
    assert.deepEqual(quota, { rate: "10/s", inFlight: 7 });
    const { cron, retry } = await settings("all");
    assert.deepEqual(cron, ["0 3 1,15 * *"]);
    assert.deepEqual(retry, { attempts: 3, backoffMs: 500, on: ["429", "5xx"] });
    assert.deepEqual(await source("none"), { type: "text/typescript", text: "2" });
    assert.deepEqual(await source("text"), { type: "text/typescript", text: "3" });
  });

  it("have a file or a folder as their source, beside the file or where it says", async () => {
    const text =
      "functions:\n  a: {source: ./src/one.ts}\n  b:\n  c: {source: packed.zip}\n  d: {source: .}\n";
    const zip = Buffer.from("PK\x05\x06".padEnd(22, "\0"));
    const files = {
      "skiff.yaml": text,
      "src/one.ts": "one",
      "b/main.ts": "b",
      "b/x/y.ts": "y",
      "packed.zip": zip,
    };
    const answer = await apply(skiff.url, files);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await source("a")).text, "one");
    assert.equal((await source("c")).type, "application/zip");
    const contents = async (name: string) =>
      [...(await skiff.builder.unpack((await skiff.platform.readSource(name))!)).files.keys()].sort();
    assert.deepEqual(await contents("b"), ["main.ts", "x/y.ts"]);
    assert.deepEqual(await contents("d"), ["b/main.ts", "b/x/y.ts", "packed.zip", "src/one.ts"]);
  });

  it("take the defaults, then the skiff.yaml of their source, then their own settings", async () => {
    const files = {
      "skiff.yaml":
        "defaults: {memory: 256Mi, timeout: 5s, env: {A: d, B: d}}\nfunctions:\n  f: {timeout: 7s, env: {B: null}}\n",
      "f/main.ts": "1",
      "f/skiff.yaml": "name: ignored\nmemory: 512Mi\nenv: {C: own}\n",
    };
    assert.equal((await apply(skiff.url, files)).status, 200);
    const { memoryMiB, timeoutMs, env } = await settings("f");
    assert.deepEqual([memoryMiB, timeoutMs, env], [512, 7_000, { A: "d", C: "own" }]);
  });

  it("are one where the file has the settings of one", async () => {
    const files = { "skiff.yaml": "name: solo\nmemory: 256Mi\n", "main.ts": "1", "lib/x.ts": "2" };
    const answer = await apply(skiff.url, files);
    assert.deepEqual(actions(answer), ["create solo done"]);
    assert.equal((await settings("solo")).memoryMiB, 256);
    assert.deepEqual(actions(await apply(skiff.url, files)), ["unchanged solo done"]);
    const unnamed = { ...files, "skiff.yaml": "memory: 512Mi\n" };
    assert.deepEqual(actions(await apply(skiff.url, unnamed, "name=solo")), ["update solo done"]);
    const pruning = await apply(skiff.url, files, "prune");
    assert.match(pruning.body.detail, /^prune removes everything that the folder does not declare/);
  });

  it("may be the list of Kubefuncs, whose images are ignored with a warning", async () => {
    const text = `image:
  repository: example/app
  tag: latest
defaults:
  replicas: 2
functions:
- name: answer
  topic: questions
  channel: answer
  command: [/bin/app, -answer]
  resources:
    limits: {memory: 256Mi, cpu: 100m}
  env:
  - {name: MODE, value: fast}
- name: keep
  source: src/keeper.ts
`;
    const files = { "functions.yaml": text, "answer.ts": "1", "src/keeper.ts": "2" };
    const answer = await apply(skiff.url, files);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(actions(answer), ["create answer done", "create keep done"]);
    const { min, memoryMiB, env } = await settings("answer");
    assert.deepEqual([min, memoryMiB, env], [2, 256, { MODE: "fast" }]);
    assert.equal((await settings("keep")).min, 2);
    assert.deepEqual(answer.body.warnings, [
      "functions.yaml: image is ignored: Skiff runs the source of a function, not an image.",
      "functions.yaml: command of answer is ignored: Skiff runs the source of the function, not a program of an image.",
      "functions.yaml: cpu in resources of answer is ignored: only memory has a limit.",
    ]);
  });

  it("may be the map of the command of Kubefuncs", async () => {
    const text = "answer:\n  replicas: 1\n  command: [/bin/app]\n  env:\n  - name: A\n    value: a\n";
    const answer = await apply(skiff.url, { "functions.yaml": text, "answer.ts": "1" });
    assert.deepEqual(actions(answer), ["create answer done"]);
    assert.deepEqual([(await settings("answer")).min, (await settings("answer")).env], [1, { A: "a" }]);
  });

  const refused: Record<string, [files: Record<string, string>, detail: RegExp]> = {
    "an unknown setting": [
      { "skiff.yaml": "functions:\n  a:\n    memry: 256Mi\n", "a.ts": "1" },
      /^skiff\.yaml:3:5: Unknown setting "memry"\. Did you mean "memory"\? Known: source, message, .*\n {6}memry: 256Mi\n {6}\^$/,
    ],
    "a value that cannot be read": [
      { "skiff.yaml": "functions:\n  a:\n    timeout: soon\n", "a.ts": "1" },
      /^skiff\.yaml:3:5: timeout=soon cannot be read; write it like timeout=30s\.\n/,
    ],
    "a number as a variable": [
      { "skiff.yaml": "functions:\n  a:\n    env:\n      OK: x\n      PORT: 8080\n", "a.ts": "1" },
      /^skiff\.yaml:5:7: env: the value of PORT must be a string, in quotes\.\n {8}PORT: 8080\n {8}\^$/,
    ],
    "a setting beside the functions": [
      { "skiff.yaml": "memory: 256Mi\nfunctions:\n  a:\n", "a.ts": "1" },
      /^skiff\.yaml:1:1: "memory" is a setting of one function: write it under "defaults:"/,
    ],
    "a misspelled member": [
      { "skiff.yaml": "default: {}\nfunctions:\n  a:\n", "a.ts": "1" },
      /^skiff\.yaml:1:1: Unknown member "default"\. Did you mean "defaults"\?/,
    ],
    "a wrong name": [
      { "skiff.yaml": "functions:\n  Hello_World:\n" },
      /^skiff\.yaml:2:3: "Hello_World" is not a valid name of a function: use 1 to 52 characters/,
    ],
    "a name twice": [
      { "skiff.yaml": "functions:\n- name: a\n- name: a\n", "a.ts": "1" },
      /^skiff\.yaml:3:3: The function "a" is declared twice: keep one of them\./,
    ],
    "no source": [
      { "skiff.yaml": "functions:\n  a:\n" },
      /^skiff\.yaml:2:3: "a" has no source: add a\.ts or a folder a\/, or name it with "source: PATH"\./,
    ],
    "two sources": [
      { "skiff.yaml": "functions:\n  a:\n", "a.ts": "1", "a/main.ts": "" },
      /^skiff\.yaml:2:3: a\.ts and a\/ are both there: choose the source of "a", such as "source: a\.ts"\./,
    ],
    "a misspelled source": [
      { "skiff.yaml": "functions:\n  a: {source: scr/a.ts}\n", "src/a.ts": "1" },
      /^skiff\.yaml:2:7: There is no file or folder "scr\/a\.ts"\. Did you mean "src\/a\.ts"\?/,
    ],
    "a source outside": [
      { "skiff.yaml": "functions:\n  a: {source: ../a.ts}\n", "a.ts": "1" },
      /^skiff\.yaml:2:7: source "\.\.\/a\.ts" must be a path inside of the folder/,
    ],
    "an empty source": [
      { "skiff.yaml": "functions:\n  a:\n", "a.ts": "" },
      /^skiff\.yaml:2:3: The source of "a": The body is empty/,
    ],
    contradictions: [
      { "skiff.yaml": "functions:\n  a:\n    max: 2\n    min: 3\n", "a.ts": "1" },
      /^skiff\.yaml:4:5: min \(3\) is greater than max \(2\)/,
    ],
    "two names of one setting": [
      { "skiff.yaml": "functions:\n  a:\n    memory: 256Mi\n    memoryMiB: 512\n", "a.ts": "1" },
      /^skiff\.yaml:4:5: memoryMiB is declared under two names: keep one of them\./,
    ],
    "a mistake in the file of a source": [
      { "skiff.yaml": "functions:\n  a:\n", "a/main.ts": "1", "a/skiff.yaml": "min: 1\nmemory: x\n" },
      /^a\/skiff\.yaml:2:1: memory=x cannot be read/,
    ],
    "functions in the file of a source": [
      { "skiff.yaml": "functions:\n  a:\n", "a/main.ts": "1", "a/skiff.yaml": "functions: {}\n" },
      /^a\/skiff\.yaml:1:1: it declares several functions/,
    ],
    "no name": [
      { "skiff.yaml": "memory: 256Mi\n", "main.ts": "1" },
      /^skiff\.yaml:1:1: The function has no name: add "name: NAME" here or name=NAME to the query/,
    ],
    "a member of Kubefuncs in a map": [
      { "skiff.yaml": "functions:\n  a: {replicas: 2}\n", "a.ts": "1" },
      /^skiff\.yaml:2:7: Unknown setting "replicas"\..* It belongs to the list of Kubefuncs\./,
    ],
    "a value to keep that is not there": [
      { "skiff.yaml": "functions:\n  a:\n    env: {TOKEN: '***'}\n", "a.ts": "1" },
      /^skiff\.yaml:3:11: There is no value of TOKEN to keep: write it instead of "\*\*\*"\./,
    ],
    "a value to keep in the file of a source": [
      { "skiff.yaml": "functions:\n  a:\n", "a/main.ts": "1", "a/skiff.yaml": "env: {TOKEN: '***'}\n" },
      /^a\/skiff\.yaml:1:7: The file of a source keeps no value: write that of TOKEN, or "\*\*\*" under "functions:"\./,
    ],
    "no manifest": [
      { "a.ts": "1", "b.ts": "2" },
      /^The folder has no skiff\.yaml: add one with "functions:"/,
    ],
  };
  for (const [what, [files, detail]] of Object.entries(refused)) {
    it(`are refused with ${what}, and nothing is deployed`, async () => {
      const { status, body } = await apply(skiff.url, files);
      assert.deepEqual([status, body.code], [400, "invalid_declaration"], body.detail);
      assert.match(body.detail, detail);
      assert.equal(await skiff.platform.find("a"), undefined);
    });
  }

  it("are refused with every mistake at once", async () => {
    const text = "functions:\n  a:\n    memry: 1\n    env: {A: 1, B: 2}\n  b: {source: b.ts}\n";
    const { body } = await apply(skiff.url, { "skiff.yaml": text, "a.ts": "1" });
    assert.match(body.detail, /\(and 3 more mistakes\)$/);
    const places = body.errors.map((each: { line: number; column: number }) => [each.line, each.column]);
    assert.deepEqual(places, [
      [3, 5],
      [4, 11],
      [4, 17],
      [5, 7],
    ]);
    assert.equal(body.errors[0].lineText, "    memry: 1");
  });
});
