import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The lines of README's shell blocks that call curl, in their order. */
function curlLines(): string[] {
  const readme = readFileSync(`${ROOT}README.md`, "utf8");
  const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
  return blocks.flatMap((block) => block.split("\n")).filter((line) => line.startsWith("curl "));
}

describe("the commands of README", () => {
  let skiff: StartedSkiff;

  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  /** Runs the line as a person would, against this test's port; the status comes after the body. */
  async function curl(line: string): Promise<{ status: number; body: string }> {
    const command = line.replaceAll("http://localhost:8080", skiff.url.replace("127.0.0.1", "localhost"));
    const { stdout } = await run("sh", ["-c", `${command} -sS -w '\\n%{http_code}'`], { cwd: ROOT });
    const at = stdout.lastIndexOf("\n");
    return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
  }

  const expected: readonly (readonly [RegExp, (body: string) => void])[] = [
    [/fn\/useragent$/, (body) => assert.match(body, /^Hello, curl\//)],
    [/fn\/cards\/draw$/, (body) => assert.deepEqual(Object.keys(JSON.parse(body)), ["rank", "suit"])],
    [/fn\/load$/, (body) => assert.ok(JSON.parse(body).rounds > 0)],
    [/fn\/http\/book\/1$/, (body) => assert.equal(JSON.parse(body).title, "Three Men in a Boat")],
    [/-X POST/, (body) => assert.equal(JSON.parse(body).created, true)],
    [/-X DELETE/, (body) => assert.deepEqual(JSON.parse(body), { success: true })],
  ];

  it("deploy, call and remove every example", async function () {
    this.timeout(120_000);
    const lines = curlLines();
    assert.equal(lines.length, 12);
    for (const line of lines) {
      const { status, body } = await curl(line);
      assert.ok(status === 200 || status === 201, `${line}: ${status} ${body}`);
      const check = expected.find(([pattern]) => pattern.test(line));
      assert.ok(check, `nothing is known about ${line}`);
      check[1](body);
    }
    for (const name of ["useragent", "cards", "load", "http"]) {
      assert.equal((await fetch(`${skiff.url}/fn/${name}`)).status, 404);
    }
    assert.equal(
      ((await (await fetch(`${skiff.url}/func`)).json()) as { functions: unknown[] }).functions.length,
      0,
    );
  });

  it("leave the 404 of cards to cards", async () => {
    await skiff.deploy("cards", readFileSync(`${ROOT}examples/cards.ts`));
    const response = await fetch(`${skiff.url}/fn/cards/elsewhere`);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("x-skiff-error"), null);
  });
});
