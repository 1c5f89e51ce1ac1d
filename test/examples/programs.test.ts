import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { actions, apply, type Files } from "../manager/files/folders.ts";
import { eventually } from "../support/eventually.ts";
import { notTried } from "../support/not-tried.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { whyNoWall } from "../support/skiff/walls.ts";

const FOLDER = fileURLToPath(new URL("../../examples/programs/", import.meta.url));
/** Where programs are searched. */
const ENV = { PATH: "/usr/local/bin:/usr/bin:/bin" };

function filesOf(folder: string): Files {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = paths.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(files.map((file) => [file.slice(folder.length), readFileSync(file)]));
}

describe("the examples of programs", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async function () {
    for (const program of ["python3", "node"]) {
      const { error } = spawnSync(program, ["--version"], { env: ENV });
      if (error) notTried(this, `${program} is not installed in ${ENV.PATH}`);
    }
    const env: Record<string, string> = whyNoWall("bwrap") === undefined ? {} : { SKIFF_ISOLATION: "none" };
    skiff = await startedSkiff({ env });
    const answer = await apply(skiff.url, filesOf(FOLDER));
    assert.equal(answer.status, 200, answer.text);
    const names = ["fresh", "greet-node", "greet-python", "guests", "lines", "upper", "words"];
    assert.deepEqual(
      actions(answer).sort(),
      names.map((name) => `create ${name} done`),
    );
  });
  after(() => skiff?.close());

  const call = (path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) =>
    fetch(`${skiff.url}/fn/${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: body as BodyInit }),
      headers,
    });
  const text = async (...order: Parameters<typeof call>): Promise<string> => {
    const response = await call(...order);
    assert.equal(response.status, 200, await response.clone().text());
    return await response.text();
  };

  it("upper is a shell script whose standard error is the log", async () => {
    assert.equal(await text("upper/a/b", "a Text"), "A TEXT");
    await eventually("the line of the call is in the log", async () =>
      /POST \/a\/b/.test(await (await fetch(`${skiff.url}/func/upper/logs`)).text()),
    );
  });

  it("words is a Python program that sets its status and headers", async () => {
    const response = await call("words?most=2", "one two two three three three");
    assert.deepEqual(
      [response.status, response.headers.get("content-type"), await response.json()],
      [200, "application/json", { three: 3, two: 2 }],
    );
    const empty = await call("words", " ");
    assert.deepEqual([empty.status, await empty.text()], [400, "Send a text with words.\n"]);
  });

  it("lines is a Node program on standard input", async () => {
    assert.equal(await text("lines", "a\nb\n"), "1 a\n2 b\n");
  });

  it("guests is a server of which one process answers many calls", async () => {
    assert.equal(await text("guests", "Ada"), '["Ada"]');
    assert.equal(await text("guests", "Bob"), '["Ada", "Bob"]');
    assert.equal(await text("guests"), '["Ada", "Bob"]');
  });

  for (const name of ["greet-python", "greet-node"]) {
    it(`${name} is a handler of Kubeless`, async () => {
      const json = { "content-type": "application/json" };
      assert.deepEqual(JSON.parse(await text(name, '{"name":"Ada"}', json)), {
        ...{ hello: "Ada", handler: "greet" },
      });
      assert.deepEqual(JSON.parse(await text(name)), { hello: "world", handler: "greet" });
    });
  }

  it("fresh has a sandbox for each call, which sees no file of another", async () => {
    for (let call = 0; call < 4; call++) assert.equal((await text("fresh")).trim(), "1");
  });

  it("rot13 is a binary", async function () {
    if (spawnSync("cc", ["--version"]).error) notTried(this, "cc is not installed");
    const folder = mkdtempSync(join(tmpdir(), "skiff-rot13-"));
    try {
      const file = join(folder, "rot13");
      execFileSync("cc", ["-O2", "-o", file, join(FOLDER, "rot13.c")]);
      const { status, body } = await skiff.deploy("rot13", readFileSync(file), "runtime=program");
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal(await text("rot13", "Uryyb"), "Hello");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
