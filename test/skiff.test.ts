import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./support/eventually.ts";
import { instancesIn } from "./support/instances/instance-folders.ts";
import { processesWith } from "./support/instances/processes.ts";
import { SkiffProgram } from "./support/skiff/skiff-program.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

/** Answers with its body, so that a call lasts until the test ends that. */
const READER = `export default (request) => { console.log("reading"); return request.text(); };`;

async function text(url: string, init?: RequestInit): Promise<string> {
  return (await fetch(url, init)).text();
}

describe("Skiff as one program", () => {
  let folder: string;
  let program: SkiffProgram | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-program-"));
  });
  afterEach(async () => {
    await program?.close();
    program = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  function start(options?: ConstructorParameters<typeof SkiffProgram>[1]): SkiffProgram {
    program = new SkiffProgram(folder, options);
    return program;
  }

  async function deploy(url: string, name: string, source: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}/func?name=${name}`, { method: "POST", body: source, headers });
    assert.equal(response.status, 201, await response.text());
  }

  /** A call that is under way until `end`, which gives its answer. */
  async function heldCall(url: string) {
    await deploy(url, "reader", READER);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const init = { method: "POST", body: readable, duplex: "half" };
    const answer = text(`${url}/fn/reader`, init);
    await writer.write(Buffer.from("still "));
    await eventually("the call is there", () => program!.output.includes("[reader] reading"));
    const end = async () => {
      await writer.write(Buffer.from("here"));
      await writer.close();
      return answer;
    };
    return { answer, end };
  }

  it("says on the terminal where it listens, what was deployed, what functions print and which calls failed", async () => {
    const skiff = start();
    const url = await skiff.url();
    await deploy(url, "loud", `export default () => { console.log("a \\x1b[2J line"); return "ok"; };`);
    assert.equal(await text(`${url}/fn/loud`), "ok");
    await deploy(url, "dying", `export default () => Deno.exit(7);`);
    assert.equal((await fetch(`${url}/fn/dying`)).status, 502);
    await eventually("all lines are there", () =>
      /\[dying\] ! instance \w+ exited with code 7/.test(skiff.output),
    );
    assert.match(skiff.output, /deploy: curl .* -X POST http.*func\?name=useragent/);
    assert.match(skiff.output, /deployed loud version 1 in [\d.]+ m?s/);
    assert.match(skiff.output, /\[loud\] a \\x1b\[2J line\n/);
    assert.match(skiff.output, /GET \/fn\/dying failed: 502 instance_failed/);
  });

  for (const workers of ["1", "2"]) {
    describe(workers === "1" ? "alone" : `with ${workers} workers`, () => {
      it("lets a call finish on Ctrl-C, refuses new ones meanwhile, and leaves no process", async () => {
        const skiff = start({ args: ["--workers", workers] });
        const url = await skiff.url();
        const call = await heldCall(url);
        skiff.signal("SIGINT");
        await eventually("it drains", () => skiff.output.includes("letting calls finish"));
        // Workers get the news a moment later.
        let refused = await fetch(`${url}/fn/reader`);
        await eventually("new calls are refused", async () => {
          if (refused.status !== 503) refused = await fetch(`${url}/fn/reader`);
          return refused.status === 503;
        });
        assert.ok(Number(refused.headers.get("retry-after")) > 0);
        assert.equal(((await refused.json()) as { code: string }).code, "draining");
        assert.equal((await fetch(`${url}/readyz`)).status, 503);
        assert.equal(await call.end(), "still here");
        assert.equal(await skiff.ended(), 0);
        assert.deepEqual(processesWith(folder), []);
      });

      it("stops at once when it is asked a second time", async () => {
        const skiff = start({ args: ["--workers", workers] });
        const url = await skiff.url();
        const call = await heldCall(url);
        const brokenOff = assert.rejects(call.answer);
        skiff.signal("SIGTERM");
        await eventually("it drains", () => skiff.output.includes("letting calls finish"));
        skiff.signal("SIGTERM");
        assert.equal(await skiff.ended(), 1);
        await brokenOff;
        await eventually("no process is left", () => processesWith(folder).length === 0);
      });

      it("lets a call finish when its terminal is closed, however often it hears of that", async () => {
        const skiff = start({ args: ["--workers", workers] });
        const url = await skiff.url();
        const call = await heldCall(url);
        skiff.stopReading();
        skiff.signal("SIGHUP");
        await eventually("it drains", async () => (await fetch(`${url}/readyz`)).status === 503);
        skiff.signal("SIGHUP");
        assert.equal(await call.end(), "still here");
        assert.equal(await skiff.ended(), 0);
        assert.deepEqual(processesWith(folder), []);
      });

      it("serves after kill -9 what it acknowledged before, and leaves no orphan", async () => {
        const first = start({ args: ["--workers", workers] });
        await deploy(await first.url(), "kept", `export default () => "kept";`);
        first.signal("SIGKILL");
        assert.equal(await first.ended(), "SIGKILL");
        const second = start({ args: ["--workers", workers] });
        assert.equal(await text(`${await second.url()}/fn/kept`), "kept");
        assert.equal(instancesIn(folder).length, 1);
      });
    });
  }

  it("takes its workers with it when it is killed alone", async () => {
    const skiff = start({ args: ["--workers", "2"] });
    await skiff.url();
    assert.ok(processesWith(folder).length > 2);
    await skiff.close();
    await eventually("no process is left", () => processesWith(folder).length === 0);
  });

  it("says at the start and of each function what holds functions in, and refuses what is no such thing", async () => {
    const skiff = start();
    const url = await skiff.url();
    await eventually("it is printed", () => /network of functions: \S.*\n/.test(skiff.output));
    const files = /files of functions: (.*)\n/.exec(skiff.output)![1];
    const network = /network of functions: (.*)\n/.exec(skiff.output)![1];
    await deploy(url, "held", `export default () => "held";`);
    const described = (await (await fetch(`${url}/func/held`)).json()) as { isolation: unknown };
    assert.deepEqual(described.isolation, { files, network });
    skiff.signal("SIGTERM");
    assert.equal(await skiff.ended(), 0);
    const open = start({ env: { SKIFF_ISOLATION: "permissions", SKIFF_NETWORK: "machine" } });
    await open.url();
    const flagsAlone =
      /files of functions: Deno's permission flags alone, as SKIFF_ISOLATION=permissions asks for/;
    await eventually("it is printed", () => flagsAlone.test(open.output));
    open.signal("SIGTERM");
    await open.ended();
    for (const env of [{ SKIFF_ISOLATION: "some" }, { SKIFF_NETWORK: "none" }]) {
      const wrong = start({ env });
      assert.equal(await wrong.ended(), 1);
      assert.match(wrong.output, /Skiff does not start: SKIFF_\w+=(some|none) is not a \w+ .*: use auto/);
    }
  });

  it("goes on when nobody reads any more what it prints", async () => {
    const skiff = start();
    const url = await skiff.url();
    skiff.stopReading();
    await deploy(url, "loud", `export default () => { console.log("a line"); return "ok"; };`);
    assert.equal(await text(`${url}/fn/loud`), "ok");
    await deploy(url, "quiet", `export default () => "still here";`);
    assert.equal(await text(`${url}/fn/quiet`), "still here");
  });

  it("refuses a second Skiff on the same data folder in words", async () => {
    const first = start();
    await first.url();
    const second = new SkiffProgram(folder);
    assert.equal(await second.ended(), 1);
    assert.match(second.output, /^Skiff does not start: .*in use by another Skiff/);
  });

  it("says which option or variable it cannot read", async () => {
    for (const [options, message] of [
      [{ args: ["--port", "eighty"] }, /--port eighty is not a valid port/],
      [{ args: ["--colour"] }, /Unknown option '--colour'/],
      [{ env: { SKIFF_MAX_BODY: "lots" } }, /SKIFF_MAX_BODY=lots cannot be read/],
      [{ args: ["--host", "0.0.0.0"], env: { SKIFF_TOKEN: "short" } }, /SKIFF_TOKEN/],
      [{ env: { SKIFF_URL: "notaurl" } }, /SKIFF_URL=notaurl is not a valid base URL/],
    ] as const) {
      const skiff = start(options);
      assert.equal(await skiff.ended(), 1);
      assert.match(skiff.output, /^Skiff does not start: /);
      assert.match(skiff.output, message);
    }
  });

  it("says so when the port is taken, and ends although a function is there to run", async () => {
    const first = start();
    const url = await first.url();
    const response = await fetch(`${url}/func?name=kept&min=1`, {
      method: "POST",
      body: "export default () => 1",
    });
    assert.equal(response.status, 201);
    first.signal("SIGTERM");
    assert.equal(await first.ended(), 0);
    const taken = await startedSkiff();
    try {
      const second = start({ args: ["--port", new URL(taken.url).port] });
      assert.equal(await second.ended(), 1);
      assert.match(second.output, /port \d+ of 127.0.0.1 is in use; choose another with --port/);
    } finally {
      await taken.close();
    }
  });

  it("makes a token when it listens beyond loopback, shows it once, and keeps only its hash", async () => {
    const skiff = start({ args: ["--host", "0.0.0.0"] });
    const url = (await skiff.url()).replace("0.0.0.0", "127.0.0.1");
    await eventually("the token is shown", () => /shown only now: \S+\n/.test(skiff.output));
    const token = /shown only now: (\S+)\n/.exec(skiff.output)![1]!;
    const refused = await fetch(`${url}/func?name=a`, { method: "POST", body: "export default () => 1" });
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/);
    await deploy(url, "open", `export default () => "open";`, { authorization: `Bearer ${token}` });
    assert.equal(await text(`${url}/fn/open`), "open");
    const file = join(folder, "token.sha256");
    assert.ok(!readFileSync(file, "utf8").includes(token));
    assert.equal(statSync(file).mode & 0o077, 0);
    skiff.signal("SIGTERM");
    assert.equal(await skiff.ended(), 0);
    const again = start({ args: ["--host", "0.0.0.0"] });
    const url2 = (await again.url()).replace("0.0.0.0", "127.0.0.1");
    assert.ok(!again.output.includes("shown only now"));
    assert.equal(
      (await fetch(`${url2}/func`, { headers: { authorization: `Bearer ${token}` } })).status,
      200,
    );
  });
});

for (const workers of [1, 2])
  describe(`Skiff under load, ${workers === 1 ? "alone" : `with ${workers} workers`}`, () => {
    let skiff: StartedSkiff;
    before(async () => {
      skiff = await startedSkiff({ workers });
    });
    after(() => skiff.close());

    /** Calls without a pause until `work` is done; gives every answer as `status text`. */
    async function answersDuring(path: string, work: () => Promise<void>): Promise<string[]> {
      const answers: string[] = [];
      let done = false;
      const client = async () => {
        while (!done) {
          const answer = await fetch(`${skiff.url}${path}`).then(
            async (response) => `${response.status} ${await response.text()}`,
            (error: unknown) => `lost: ${error}`,
          );
          answers.push(answer);
        }
      };
      const clients = Array.from({ length: 4 }, client);
      await work();
      done = true;
      await Promise.all(clients);
      return answers;
    }

    it("loses no call in ten redeploys, and the call after a deploy gets the new version", async () => {
      const source = (round: number) => `export default () => "round ${round}";`;
      await skiff.deploy("steady", source(0));
      const answers = await answersDuring("/fn/steady", async () => {
        for (let round = 1; round <= 10; round++) {
          assert.equal((await skiff.deploy("steady", source(round))).body.version, round + 1);
          assert.equal(await text(`${skiff.url}/fn/steady`), `round ${round}`);
        }
      });
      assert.ok(answers.length > 50);
      assert.deepEqual(
        answers.filter((answer) => !/^200 round \d+$/.test(answer)),
        [],
      );
    });

    it("answers 404 and nothing else once a function is deleted under load", async () => {
      await skiff.deploy("leaving", `export default () => "here";`);
      const answers = await answersDuring("/fn/leaving", async () => {
        const response = await fetch(`${skiff.url}/func/leaving`, { method: "DELETE" });
        assert.deepEqual(await response.json(), { success: true });
        assert.equal((await fetch(`${skiff.url}/fn/leaving`)).status, 404);
      });
      assert.deepEqual(
        answers.filter((answer) => answer !== "200 here" && !answer.startsWith("404 ")),
        [],
      );
    });

    it("never has two calls at once on an instance that takes one, and answers all of 100", async () => {
      const source = `let running = 0, most = 0;
        export default async () => {
          most = Math.max(most, ++running);
          await new Promise((go) => setTimeout(go, 2));
          running--;
          return String(most);
        };`;
      await skiff.deploy("single", source, "concurrency=1&min=1&max=1");
      const calls = Array.from({ length: 100 }, (_, index) => {
        const init = index % 2 === 0 ? {} : { method: "POST", body: "x" };
        return fetch(`${skiff.url}/fn/single`, init).then((response) => response.text());
      });
      assert.deepEqual(new Set(await Promise.all(calls)), new Set(["1"]));
    });

    it("answers 500 first calls at once with at most ceil(500 / concurrency) instances", async () => {
      const source = `export default async () => { await new Promise((go) => setTimeout(go, 30)); return "hi"; };`;
      await skiff.deploy("burst", source, "concurrency=100&idle=200ms");
      const instances = async () => {
        const described = await (await fetch(`${skiff.url}/func/burst`)).json();
        return (described as { instances: unknown[] }).instances.length;
      };
      await eventually("it is at zero", async () => (await instances()) === 0);
      const started = new Set<string>();
      const calls = Array.from({ length: 500 }, () => text(`${skiff.url}/fn/burst`));
      let done = false;
      const observed = (async () => {
        while (!done) {
          const described = (await (await fetch(`${skiff.url}/func/burst`)).json()) as {
            instances: { id: string }[];
          };
          for (const { id } of described.instances) started.add(id);
        }
      })();
      assert.deepEqual(new Set(await Promise.all(calls)), new Set(["hi"]));
      done = true;
      await observed;
      assert.ok(started.size >= 1 && started.size <= 5, `${started.size} instances`);
    });
  });
