import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { PROBE_HEADER, PROBE_PATH, VERSION_HEADER } from "../../../../client-image/start-message.ts";
import { OUT_OF_MEMORY_LINE } from "../../../../runtimes/program/host/program-message.ts";
import { eventually } from "../../../support/eventually.ts";
import { call, callFor } from "../../../support/instances/call-instance.ts";
import { HeldCall } from "../../../support/instances/held-call.ts";
import { type HostOptions, StartedHost, shellOrder } from "../../../support/programs/started-host.ts";

/** One host serves all calls of this file that need no order of their own: the query is the script. */
const ANY_SCRIPT = `eval "$(printf %s "$HTTP_X_SCRIPT")"`;

describe("a program for each call", () => {
  let host: StartedHost;
  const started: StartedHost[] = [];

  async function start(options: HostOptions, files?: Record<string, string>): Promise<StartedHost> {
    const each = await StartedHost.start(options, files);
    started.push(each);
    return each;
  }

  const run = (script: string, options: Parameters<typeof call>[1] = {}) =>
    call(host.address, { ...options, headers: { "x-script": script, ...options.headers } });
  const runFor = (script: string) => callFor(host.address, { headers: { "x-script": script } });

  before(async () => {
    host = await start({
      host: shellOrder(ANY_SCRIPT),
      concurrency: 10,
      variables: { GREETING: "hello" },
      secrets: { TOKEN: "secret" },
    });
  });
  after(() => Promise.all(started.map((each) => each.close())));

  it("gets the body on standard input and answers with its output", async () => {
    const answer = await run("tr a-z A-Z", { method: "POST", body: "hello" });
    assert.deepEqual([answer.status, answer.text], [200, "HELLO"]);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  });

  it("ends with out_of_memory, begun or not, when the platform says that memory runs out", async () => {
    const own = await start({ host: shellOrder(ANY_SCRIPT), concurrency: 2 });
    const headers = (script: string) => ({ headers: { "x-script": script } });
    const begun = await callFor(own.address, headers("echo start; sleep 60"));
    const waiting = call(own.address, headers("echo waits >&2; sleep 60"));
    await eventually("both run", () => own.log.includes("waits"));
    own.child.stdin!.write(`${OUT_OF_MEMORY_LINE}\n`);
    const answer = await waiting;
    const { code, setting } = JSON.parse(answer.text);
    assert.deepEqual([answer.status, code, setting], [500, "out_of_memory", "memoryMiB"]);
    assert.equal(await text(begun), "start\n");
    assert.equal(begun.trailers["skiff-error"], "out_of_memory");
    await eventually("the host has ended", () => own.hasEnded);
  });

  it("has the call in its variables", async () => {
    const script =
      'echo "$REQUEST_METHOD|$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|$CONTENT_TYPE|$CONTENT_LENGTH"; echo "$HTTP_X_NAME|$REMOTE_ADDR|$SERVER_NAME:$SERVER_PORT|$REQUEST_URI|$GATEWAY_INTERFACE|$SKIFF_CALL_ID"';
    const answer = await run(script, {
      method: "PUT",
      path: "/a%20b/c?x=1&y",
      body: "hello",
      headers: {
        "content-type": "text/csv",
        "content-length": "5",
        "x-name": "Käse",
        host: "fn.example:8080",
        "x-forwarded-prefix": "/fn/hello",
        "x-forwarded-for": "1.1.1.1, 2.2.2.2",
        "x-skiff-call-id": "call-1",
      },
    });
    assert.equal(
      answer.text,
      "PUT|/fn/hello|/a b/c|x=1&y|text/csv|5\n" +
        "Käse|2.2.2.2|fn.example:8080|/fn/hello/a%20b/c?x=1&y|CGI/1.1|call-1\n",
    );
  });

  it("has the variables and secrets of its function and no others", async () => {
    const answer = await run("env", { headers: { proxy: "http://evil.example", "x-skiff-wait": "5" } });
    const names = answer.text.split("\n").map((line) => line.split("=")[0]!);
    assert.match(answer.text, /^GREETING=hello$/m);
    assert.match(answer.text, /^TOKEN=secret$/m);
    assert.match(answer.text, /^SKIFF_FUNCTION=hello$/m);
    const own = names.filter((name) => /PROXY|SKIFF|NODE|NONCE/.test(name)).sort();
    assert.deepEqual(own, ["SKIFF_CALL_ID", "SKIFF_FUNCTION", "SKIFF_VERSION"]);
  });

  it("answers an empty output with an empty 200", async () => {
    const answer = await run("true");
    assert.deepEqual([answer.status, answer.text, answer.headers["content-length"]], [200, "", "0"]);
  });

  it("answers bytes that are no text as such", async () => {
    const answer = await run(String.raw`printf '\377\376\000'`);
    assert.equal(answer.headers["content-type"], "application/octet-stream");
  });

  it("sends its output as it comes", async () => {
    const response = await runFor("echo first; sleep 0.1; echo second");
    const [first] = await once(response, "data");
    assert.equal(String(first), "first\n");
    assert.equal(await text(response), "second\n");
    assert.equal(response.trailers["skiff-exit-code"], "0");
  });

  it("gets its body as it comes", async () => {
    const held = new HeldCall(host.address, "/", { "x-script": "cat" });
    const response = await held.response;
    const [first] = await once(response, "data");
    assert.equal(String(first), "body ");
    held.request.end("ended");
    assert.equal(await text(response), "ended");
  });

  it("is answered whether it reads its body or not", async () => {
    const body = "x".repeat(5_000_000);
    assert.equal((await run("echo done", { method: "POST", body })).text, "done\n");
    assert.equal((await run("wc -c", { method: "POST", body })).text.trim(), "5000000");
  });

  it("is a 500 with its code and last lines if it fails before its first byte", async () => {
    const answer = await run("echo reason >&2; exit 3", { headers: { "x-skiff-call-id": "call-3" } });
    assert.equal(answer.status, 500);
    assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    assert.equal(answer.headers["x-skiff-error"], "platform");
    assert.deepEqual(JSON.parse(answer.text), {
      type: "https://skiff.dev/problems/program_failed",
      title: "The program failed",
      status: 500,
      detail: "The program exited with code 3.",
      code: "program_failed",
      callId: "call-3",
      exitCode: 3,
      log: ["reason"],
    });
  });

  it("is a 500 with its signal if one ends it", async () => {
    const { status, text: body } = await run("kill -SEGV $$");
    const { code, signal, exitCode } = JSON.parse(body);
    assert.deepEqual([status, code, signal, exitCode], [500, "program_failed", "SIGSEGV", undefined]);
  });

  it("is 137 if it exits so itself", async () => {
    assert.equal(JSON.parse((await run("exit 137")).text).exitCode, 137);
  });

  it("has trailers and a log line if it fails after its first byte", async () => {
    const response = await runFor("echo part; exit 4");
    assert.equal(response.statusCode, 200);
    assert.equal(await text(response), "part\n");
    assert.deepEqual({ ...response.trailers }, { "skiff-exit-code": "4", "skiff-error": "program_failed" });
    await eventually("the log has the line", () => host.log.includes("The program exited with code 4."));
  });

  it("logs standard error with the id of the call", async () => {
    await run("echo one >&2; printf two >&2", { headers: { "x-skiff-call-id": "call-log" } });
    const own = () => host.entries.filter(({ callId }) => callId === "call-log").map((entry) => entry.text);
    await eventually("both lines are logged", () => own().length === 2);
    assert.deepEqual(own(), ["one", "two"]);
  });

  it("can open its input and outputs by name", async () => {
    const script = "cat /dev/stdin > /dev/stdout; echo logged > /dev/stderr; echo also > /proc/self/fd/2";
    for (const body of ["named", "", "x".repeat(100_000)]) {
      assert.equal((await run(script, { method: "POST", body })).text, body);
    }
    await eventually("both lines are logged", () => host.log.includes("logged") && host.log.includes("also"));
  });

  it("gets sockets instead of pipes where none can be made", async () => {
    const found = await start({
      host: { ...shellOrder(""), command: ["/bin/sh", "-c", "/usr/bin/tr a-z A-Z; echo log >&2"] },
      variables: { PATH: "/nowhere" },
    });
    assert.equal((await call(found.address, { method: "POST", body: "hello" })).text, "HELLO");
    await eventually("it says so", () => found.log.some((line) => line.includes("sockets")));
  });

  it("has more calls at a time than pipes are made at once", async () => {
    const many = await start({ host: shellOrder("cat"), concurrency: 50 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => call(many.address, { method: "POST", body: `call ${i}` })),
    );
    assert.deepEqual(
      answers.map(({ text }) => text),
      answers.map((_, i) => `call ${i}`),
    );
  });

  it("answers HEAD without a body", async () => {
    const answer = await run("echo hello", { method: "HEAD" });
    assert.deepEqual([answer.status, answer.text], [200, ""]);
  });

  it("is ended at its time limit: 504 before the first byte, trailers after it", async () => {
    const timed = await start({ host: shellOrder(ANY_SCRIPT, { timeoutMs: 300 }) });
    const late = await call(timed.address, { headers: { "x-script": "sleep 30" } });
    assert.deepEqual([late.status, JSON.parse(late.text).code], [504, "call_timeout"]);
    const begun = await callFor(timed.address, {
      headers: { "x-script": "echo part; sleep 30", "x-skiff-wait": "5000" },
    });
    assert.equal(await text(begun), "part\n");
    assert.deepEqual({ ...begun.trailers }, { "skiff-error": "timeout" });
  });

  it("answers probes with the version, also while all places are taken", async () => {
    const full = await start({ host: shellOrder("cat") });
    const held = new HeldCall(full.address);
    await held.response;
    const probe = await call(full.address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1" } });
    assert.deepEqual([probe.status, probe.headers[VERSION_HEADER]], [204, "7"]);
    const refused = await call(full.address);
    assert.deepEqual([refused.status, refused.headers["x-skiff-busy"], refused.text], [503, "1", ""]);
    assert.equal((await held.end()).text, "body ended");
  });

  it("answers pings of the platform", async () => {
    host.child.stdin!.write("alive\n");
    await eventually("the answer", () => host.hasPrinted("alive"));
  });

  it("answers calls under way when the host is asked to end, and takes no more", async () => {
    const draining = await start({ host: shellOrder("cat") });
    const held = new HeldCall(draining.address);
    await held.response;
    draining.child.kill("SIGTERM");
    await eventually("it takes no more", () =>
      call(draining.address).then(
        () => false,
        () => true,
      ),
    );
    assert.equal((await held.end()).text, "body ended");
    await eventually("the host has ended", () => draining.hasEnded);
    assert.equal(draining.child.exitCode, 0);
  });

  it("does not start the host if it cannot be executed", async () => {
    for (const [program, message] of [
      ["missing-program", /"missing-program" is in no folder of PATH/],
      ["./missing", /The program \.\/missing cannot be found/],
    ] as const) {
      const failed = await StartedHost.launch({ host: { ...shellOrder(""), command: [program] } });
      started.push(failed);
      await eventually("the host has ended", () => failed.hasEnded);
      assert.equal(failed.child.exitCode, 1);
      assert.match(failed.log.join("\n"), message);
    }
  });

  it("is a 500 if it is gone when it is called", async () => {
    const own = await start({ host: { ...shellOrder(""), command: ["./main"] } }, { main: "#!/bin/sh\n" });
    rmSync(join(own.folder, "main"));
    const answer = await call(own.address, { method: "POST", body: "hello" });
    assert.equal(answer.status, 500);
    assert.match(JSON.parse(answer.text).detail, /cannot be started: .*ENOENT/);
  });

  it("can be a file of its project", async () => {
    const own = await start(
      { host: { ...shellOrder(""), command: ["./main", "one"] } },
      { main: "#!/bin/sh\necho $1 $(basename $0)" },
    );
    assert.equal((await call(own.address)).text, "one main\n");
  });
});
