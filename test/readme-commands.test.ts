import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const README = readFileSync(`${ROOT}README.md`, "utf8");
const BLOCKS = [...README.matchAll(/^```(?<language>\w+)\n(?<text>[\s\S]*?)^```/gm)].map(
  ({ groups }) => groups!,
);

/** The lines of README's shell blocks that call curl, in their order. */
function curlLines(): string[] {
  const shell = BLOCKS.filter(({ language }) => language === "sh");
  return shell.flatMap(({ text }) => text!.split("\n")).filter((line) => line.startsWith("curl "));
}

describe("the commands of README", () => {
  let skiff: StartedSkiff;
  /** With the function that README shows. */
  const folder = mkdtempSync(join(tmpdir(), "skiff-readme-"));

  before(async () => {
    const [shown, ...others] = BLOCKS.filter(({ language }) => language === "ts");
    assert.ok(shown && others.length === 0, "README shows one function");
    writeFileSync(join(folder, "hello.ts"), shown.text!);
    skiff = await startedSkiff();
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs the line as a person would, against this test's port; the status comes after the body. */
  async function curl(line: string): Promise<{ status: number; body: string }> {
    const command = line
      .replaceAll("http://localhost:8080", skiff.url.replace("127.0.0.1", "localhost"))
      .replace("@hello.ts", `@${join(folder, "hello.ts")}`);
    const { stdout } = await run("sh", ["-c", `${command} -sS -w '\\n%{http_code}'`], { cwd: ROOT });
    const at = stdout.lastIndexOf("\n");
    return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
  }

  const expected: readonly (readonly [RegExp, (body: string) => void])[] = [
    [/fn\/useragent$/, (body) => assert.match(body, /^Hello, curl\//)],
    [/fn\/cards\/draw$/, (body) => assert.deepEqual(Object.keys(JSON.parse(body)), ["rank", "suit"])],
    [/fn\/load$/, (body) => assert.ok(JSON.parse(body).rounds > 0)],
    [/fn\/http\/book\/1$/, (body) => assert.equal(JSON.parse(body).title, "Three Men in a Boat")],
    [/fn\/hello\\\?name\\=Ada$/, (body) => assert.ok(README.includes(`prints \`${body}\``), body)],
    [/-X POST/, (body) => assert.equal(JSON.parse(body).created, true)],
    [/-X DELETE/, (body) => assert.deepEqual(JSON.parse(body), { success: true })],
  ];

  it("deploy, call and remove every example, deploy and call the function that it shows", async function () {
    this.timeout(120_000);
    const lines = curlLines();
    assert.equal(lines.length, 14);
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
    const response = await fetch(`${skiff.url}/func`);
    const { functions } = (await response.json()) as { functions: { name: string }[] };
    assert.deepEqual(
      functions.map(({ name }) => name),
      ["hello"],
    );
  });

  it("leave the 404 of cards to cards", async () => {
    await skiff.deploy("cards", readFileSync(`${ROOT}examples/cards.ts`));
    const response = await fetch(`${skiff.url}/fn/cards/elsewhere`);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("x-skiff-error"), null);
  });
});
