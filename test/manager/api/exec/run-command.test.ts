import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as send } from "node:http";
import { text } from "node:stream/consumers";
import request from "supertest";
import { AllowedImages } from "../../../../platform/images/allowed-images.ts";
import { hashOf } from "../../../../platform/keys/key-text.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakePlatform } from "../../../support/platform/fake-platform.ts";
import { ProcessCommands } from "../../../support/platform/process-commands.ts";
import { type StartedManager, type StartOptions, startManager } from "../../started-manager.ts";

const RULES = { isOn: true, images: AllowedImages.from("box, host", true) };

interface Answer {
  readonly response: IncomingMessage;
  readonly body: string;
}

describe("manager: /exec", () => {
  let skiff: StartedManager;
  let commands: ProcessCommands;
  const start = async (options: StartOptions = {}) => {
    commands = new ProcessCommands();
    skiff = await startManager({ platform: new FakePlatform({ commands }), commandRules: RULES, ...options });
  };
  beforeEach(() => start());
  afterEach(() => skiff.stop());

  const pathOf = (command: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    `/exec?${new URLSearchParams([["image", "box"], ...command.map((arg) => ["arg", arg]), ...Object.entries(more)])}`;
  const sh = (script: string, more?: Readonly<Record<string, string>>) => pathOf(["sh", "-c", script], more);

  async function get(path: string, { method = "GET", headers = {}, body = "" } = {}): Promise<Answer> {
    const outgoing = send(`${skiff.url}${path}`, { method, headers });
    outgoing.end(body);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    const answer = { response, body: await text(response) };
    // The connection takes the rest of a body that nobody reads.
    if (!outgoing.writableFinished) await once(outgoing, "finish");
    return answer;
  }
  const problemOf = async (path: string, options = {}) => {
    const { response, body } = await get(path, options);
    assert.match(response.headers["content-type"]!, /^application\/problem\+json/, body);
    return JSON.parse(body);
  };

  it("answers the output as text, and the exit code and duration in trailers", async () => {
    const { response, body } = await get(sh("echo out; echo err >&2; exit 7"));
    assert.deepEqual(body.split("\n").sort(), ["", "err", "out"]);
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(response.headers.trailer, "skiff-exit-code, skiff-duration-ms, skiff-error");
    assert.equal(response.trailers["skiff-exit-code"], "7");
    assert.match(response.trailers["skiff-duration-ms"]!, /^\d+$/);
    assert.equal(response.trailers["skiff-error"], undefined);
  });

  it("has the trailers also without any output", async () => {
    const { response, body } = await get(sh("exit 3"));
    assert.deepEqual([response.statusCode, body, response.trailers["skiff-exit-code"]], [200, "", "3"]);
  });

  it("counts a signal as shells do", async () => {
    const { response } = await get(sh("kill -9 $$"));
    assert.equal(response.trailers["skiff-exit-code"], "137");
    assert.equal(response.trailers["skiff-error"], undefined);
  });

  it("sends output while the command runs", async () => {
    const outgoing = send(`${skiff.url}${sh("echo first; cat")}`, { method: "POST" });
    outgoing.write("");
    outgoing.flushHeaders();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.setEncoding("utf8");
    const [first] = await once(response, "data");
    assert.equal(first, "first\n");
    outgoing.write("second\n");
    const [second] = await once(response, "data");
    assert.equal(second, "second\n");
    outgoing.end();
    assert.equal(await text(response), "");
    assert.equal(response.trailers["skiff-exit-code"], "0");
  });

  it("splits cmd as a shell does, and takes arg as it is", async () => {
    const cmd = (value: string) => get(`/exec?${new URLSearchParams({ image: "box", cmd: value })}`);
    assert.equal((await cmd(`printf '%s.' "a b" c\\ d $HOME`)).body, "a b.c d.$HOME.");
    assert.equal((await get(pathOf(["printf", "%s.", "a  b", "'", ""]))).body, "a  b.'..");
    const open = await problemOf(`/exec?${new URLSearchParams({ image: "box", cmd: "echo 'a" })}`);
    assert.deepEqual([open.status, open.code], [400, "invalid_request"]);
  });

  it("gives the fields X-Skiff-Env-NAME as variables, in the case that was sent unless it is lower case", async () => {
    const headers = {
      "X-Skiff-Env-Mixed": "a=b c",
      "x-skiff-env-lower_1": "$HOME",
      "X-Skiff-Env-UTF": Buffer.from("schön").toString("latin1"),
      "X-Skiff-Env-EMPTY": "",
    };
    const { body } = await get(sh("env"), { headers });
    const has = (line: string) => assert.ok(body.split("\n").includes(line), line);
    for (const line of ["Mixed=a=b c", "LOWER_1=$HOME", "UTF=schön", "EMPTY="]) has(line);
    for (const name of ["x-skiff-env-", "x-skiff-env-1a", "x-skiff-env-a-b"])
      assert.equal((await problemOf(sh(":"), { headers: { [name]: "x" } })).code, "invalid_request", name);
  });

  it("gives the body as standard input, and an empty one without a body", async () => {
    const body = "x".repeat(300_000);
    const posted = await get(sh("cat"), { method: "POST", body });
    assert.ok(posted.body === body);
    assert.equal((await get(sh("wc -c; cat"), { method: "GET" })).body.trim(), "0");
    assert.equal(commands.orders[1]!.input, undefined);
  });

  it("ends well although the command does not read its input", async () => {
    const { response } = await get(sh("exit 4"), { method: "POST", body: "x".repeat(5_000_000) });
    assert.equal(response.trailers["skiff-exit-code"], "4");
    assert.equal((await get(sh("echo again"))).body, "again\n");
  });

  it("passes limits on, which a request may lower", async () => {
    await get(pathOf(["true"]));
    await get(pathOf(["true"], { timeout: "2s", memory: "64Mi" }));
    const limits = commands.orders.map(({ timeoutMs, memoryMiB }) => [timeoutMs, memoryMiB]);
    assert.deepEqual(limits, [
      [60_000, 256],
      [2_000, 64],
    ]);
    for (const wrong of [{ timeout: "61s" }, { timeout: "x" }, { memory: "1Gi" }, { memory: "1" }]) {
      const { code, setting } = await problemOf(pathOf(["true"], wrong as Record<string, string>));
      assert.deepEqual([code, setting], ["invalid_setting", Object.keys(wrong)[0]]);
    }
  });

  it("answers 504 for a command that ran too long before its first byte, and a trailer after it", async () => {
    const late = await problemOf(sh("sleep 30", { timeout: "150ms" }));
    assert.deepEqual([late.status, late.code, late.setting], [504, "command_timeout", "timeout"]);
    const { response, body } = await get(sh("echo begun; sleep 30", { timeout: "300ms" }));
    assert.deepEqual([response.statusCode, body], [200, "begun\n"]);
    assert.equal(response.trailers["skiff-error"], "timeout");
    assert.equal(response.trailers["skiff-exit-code"], undefined);
  });

  it("answers 500 for a command that used too much memory before its first byte, and a trailer after it", async () => {
    commands.end = { because: "out_of_memory", exitCode: 137 };
    const { status, code } = await problemOf(sh("exit 137"));
    assert.deepEqual([status, code], [500, "out_of_memory"]);
    const { response } = await get(sh("echo begun; exit 137"));
    assert.equal(response.trailers["skiff-error"], "out_of_memory");
    assert.equal(response.trailers["skiff-exit-code"], undefined);
  });

  it("answers JSON to those who accept nothing else", async () => {
    const headers = { accept: "application/json" };
    const { response, body } = await get(sh("echo out; echo err >&2; exit 5"), { headers });
    assert.match(response.headers["content-type"]!, /^application\/json/);
    const { durationMs, ...result } = JSON.parse(body);
    assert.deepEqual(result, { exitCode: 5, output: "out\n", errors: "err\n", truncated: false });
    assert.ok(Number.isInteger(durationMs) && durationMs >= 0, durationMs);
    const late = await problemOf(sh("echo begun; sleep 30", { timeout: "300ms" }), { headers });
    assert.deepEqual([late.status, late.code, late.log], [504, "command_timeout", ["begun"]]);
  });

  it("answers command_not_found, and nothing runs afterwards", async () => {
    const { status, code } = await problemOf(pathOf(["no-such-program"]));
    assert.deepEqual([status, code], [422, "command_not_found"]);
  });

  it("answers a client of HTTP/1.0, which gets no trailers", async () => {
    const answer = await skiff.raw(`GET ${sh("echo out; exit 3")} HTTP/1.0\r\nhost: localhost\r\n\r\n`);
    const [head, body] = answer.split("\r\n\r\n");
    assert.match(head!, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(head!, /trailer|chunked/i);
    assert.equal(body, "out\n");
    assert.equal((await get(sh("echo again"))).body, "again\n");
  });

  it("does not run a command for HEAD", async () => {
    const { headers, status } = await request(skiff.url).head(sh("echo x"));
    assert.deepEqual([status, headers["content-type"]], [200, "text/plain; charset=utf-8"]);
    assert.equal(commands.orders.length, 0);
  });

  it("refuses what it does not know", async () => {
    for (const query of [
      "",
      "cmd=ls",
      "image=",
      "image=box&image=box",
      "image=box&cmd=ls&arg=ls",
      "image=a b",
      "image=host",
      "image=host&cmd=ls&pull-secret=registry",
    ])
      assert.equal((await problemOf(`/exec?${query.replace(" ", "%20")}`)).code, "invalid_request", query);
    for (const query of ["image=box&user=0", "image=box&cmd=%20", "image=box&arg=", "image=box&arg=a%00b"])
      assert.equal((await problemOf(`/exec?${query}`)).code, "invalid_request", query);
    assert.equal(commands.orders.length, 0);
  });

  it("refuses a browser that follows a link, which has no token", async () => {
    const headers = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
    assert.equal((await problemOf(sh("echo x"), { headers })).code, "forbidden");
    assert.equal(commands.orders.length, 0);
  });

  it("refuses images that are not allowed", async () => {
    const { status, code, setting } = await problemOf("/exec?image=alpine:3.5&cmd=ls");
    assert.deepEqual([status, code, setting], [403, "image_not_allowed", "SKIFF_IMAGES"]);
  });

  it("ends a command whose client leaves", async () => {
    const outgoing = send(`${skiff.url}${sh("echo $$; exec sleep 60")}`).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    const [pid] = await once(response, "data");
    outgoing.destroy();
    await eventually("the command ends", () => !isAlive(Number(pid)));
    const silent = send(`${skiff.url}${sh("exec sleep 60")}`).end();
    silent.on("error", () => {});
    await eventually("the command starts", () => commands.orders.length === 2);
    silent.destroy();
    const aborted = () => skiff.lines.filter((line) => /: aborted$/.test(line)).length;
    await eventually("both are ended", () => aborted() === 2);
  });

  it("prints what ran, how long and how it ended", async () => {
    await get(sh("exit 7", { timeout: "10s" }));
    assert.match(skiff.lines.at(-1)!, /^ran box sh in .+ m?s: exit code 7$/);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("manager: limits of /exec", () => {
  let skiff: StartedManager;
  const start = async (options: StartOptions = {}) => {
    const platform = new FakePlatform({ commands: new ProcessCommands() });
    skiff = await startManager({ platform, commandRules: RULES, ...options });
  };
  afterEach(() => skiff.stop());
  const get = (script: string) =>
    request(skiff.url)
      .get("/exec")
      .query({ image: "box" })
      .query({ arg: ["sh", "-c", script] });
  const json = (script: string) => get(script).set("accept", "application/json");

  it("are off unless they are switched on", async () => {
    await start({ commandRules: undefined });
    const { body, status } = await get("echo x");
    assert.deepEqual([status, body.code, body.setting], [403, "exec_off", "SKIFF_EXEC"]);
  });

  it("need something that runs commands", async () => {
    await start({ platform: new FakePlatform() });
    const { body, status } = await get("echo x");
    assert.deepEqual([status, body.code], [501, "no_engine"]);
  });

  it("cut the output, and end the command", async () => {
    await start({ limits: { execOutputBytes: 100_000 } });
    const response = await fetch(`${skiff.url}/exec?image=box&cmd=yes`);
    assert.equal((await response.text()).length, 100_000);
    const { body } = await json("yes");
    assert.deepEqual([body.error, body.truncated, body.exitCode], ["output_too_large", true, undefined]);
    assert.equal((await get("printf x")).text, "x");
  });

  it("keep the first bytes of output in JSON, and the exit code of a longer one", async () => {
    await start({ limits: { resultBytes: 5 } });
    const { body } = await json("printf 123456789; exit 2");
    assert.deepEqual([body.output, body.truncated, body.exitCode], ["12345", true, 2]);
  });

  it("give output that is not UTF-8 as base64 in JSON, and cut no character to one", async () => {
    await start({ limits: { resultBytes: 3 } });
    const { body: binary } = await json("printf '\\377\\0a'; printf '\\303\\244' >&2");
    assert.deepEqual([binary.output, binary.outputBase64, binary.errors], [undefined, "/wBh", "ä"]);
    const { body: cut } = await json("printf 'ab\\303\\244'");
    assert.deepEqual([cut.output, cut.outputBase64, cut.truncated], ["ab", undefined, true]);
  });

  it("bound the standard input", async () => {
    await start({ limits: { callBodyBytes: 1_000 } });
    const post = (body: string) => request(skiff.url).post("/exec?image=box&cmd=cat").send(body);
    const { body, status } = await post("x".repeat(1_001));
    assert.deepEqual([status, body.code, body.setting], [413, "body_too_large", "SKIFF_MAX_BODY"]);
    const chunks = new Blob(["x".repeat(1_001)]).stream();
    const streamed = await fetch(`${skiff.url}/exec?image=box&cmd=sort`, {
      ...{ method: "POST", body: chunks, duplex: "half" },
    } as RequestInit);
    assert.equal(streamed.status, 413);
  });

  it("let only some commands run at a time", async () => {
    await start({ limits: { execsAtOnce: 1 } });
    const first = send(`${skiff.url}/exec?image=box&arg=sh&arg=-c&arg=echo%20x;sleep%2030`).end();
    first.on("error", () => {});
    await once(first, "response");
    const { body, status, headers } = await get("echo x");
    assert.deepEqual([status, body.code, headers["retry-after"]], [429, "too_many_commands", "1"]);
    first.destroy();
    await eventually("there is room again", async () => (await get("echo x")).text === "x\n");
  });

  it("end commands when the manager closes, after the time to drain", async () => {
    await start();
    const first = send(`${skiff.url}/exec?image=box&arg=sh&arg=-c&arg=echo%20x;sleep%2030`).end();
    const [response] = (await once(first, "response")) as [IncomingMessage];
    await skiff.manager.close({ drainMs: 50 });
    assert.equal(await text(response), "x\n");
    assert.equal(response.trailers["skiff-error"], "draining");
  });
});

describe("manager: who may use /exec", () => {
  const TOKEN = "0123456789abcdef-token";
  const access = { mode: "token", tokenHash: hashOf(TOKEN).toString("hex"), whereabouts: "" } as const;
  let skiff: StartedManager;
  const audited: { action: string; target: string; status: number; detail: string }[] = [];
  before(async () => {
    const audit = { append: async (entry: (typeof audited)[number]) => void audited.push(entry) };
    const store = { audit } as unknown as StartOptions["store"] & object;
    const platform = new FakePlatform({ commands: new ProcessCommands() });
    skiff = await startManager({ platform, commandRules: RULES, access, store });
  });
  after(() => skiff.stop());
  const by = (key: string) => request.agent(skiff.url).set({ authorization: `Bearer ${key}` });
  const create = async (body: object): Promise<string> =>
    (
      await by(TOKEN)
        .post("/key")
        .send({ name: "k", ...body })
        .expect(201)
    ).body.key;

  it("needs the scope run, for all functions", async () => {
    const command = "/exec?image=box&cmd=true";
    await by(await create({ scopes: ["run"] }))
      .get(command)
      .expect(200);
    for (const scopes of [["deploy", "read", "call"], ["read"]])
      await by(await create({ scopes }))
        .get(command)
        .expect(403);
    await by(await create({ scopes: ["run"], functions: ["a"] }))
      .get(command)
      .expect(403);
  });

  it("needs the scope deploy too for a secret that the registry learns", async () => {
    const command = "/exec?image=box&cmd=true&pull-secret=registry";
    const { body } = await by(await create({ scopes: ["run"] })).get(command);
    assert.equal(body.code, "insufficient_scope");
    const both = by(await create({ scopes: ["run", "deploy"] }));
    const unknown = await both.get(command).expect(404);
    assert.equal(unknown.body.code, "unknown_secret");
    await by(TOKEN).put("/secret/registry").send("user:password").expect(201);
    await both.get(command).expect(200);
  });

  it("is in the audit log with image and program, also when it is refused", async () => {
    audited.length = 0;
    await by(TOKEN).get("/exec?image=box:1&cmd=echo%20secret").expect(200);
    await by(TOKEN).get("/exec?image=alpine&cmd=ls").expect(403);
    assert.deepEqual(
      audited.map(({ action, target, status, detail }) => [action, target, status, detail]),
      [
        ["exec", "exec", 200, "box:1 echo"],
        ["exec", "exec", 403, "image_not_allowed"],
      ],
    );
  });
});
