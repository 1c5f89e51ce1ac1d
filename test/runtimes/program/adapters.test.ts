import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { readAdapters } from "../../../runtimes/program/adapters/read-adapters.ts";
import { eventually } from "../../support/eventually.ts";
import { notTried } from "../../support/not-tried.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Sends the body in chunks without its length. */
  readonly isChunked?: boolean;
}

/** Handlers of the shapes that the documents of Kubeless show. */
const NODE = `
module.exports = {
  echo: (event, context) => event.data,
  async all(event, context) {
    const { extensions, ...rest } = event;
    return { ...rest, context, query: extensions.request.query.a, method: extensions.request.method };
  },
  created(event) {
    event.extensions.response.statusCode = 201;
    event.extensions.response.setHeader("x-made", "here");
    return "made";
  },
  control(event) { event.extensions.response.setHeader("x-made", "a\\u0001b"); },
  fails: () => { throw new Error("no luck"); },
  nothing: () => {},
};
`;
const PYTHON = `
import helper

def echo(event, context):
    return event['data']

def all(event, context):
    request = event['extensions']['request']
    rest = {key: value for key, value in event.items() if key != 'extensions'}
    return dict(rest, context=context, query=request.query.a, method=request.method)

def created(event, context):
    response = event['extensions']['response']
    response.status = 201
    response.set_header('x-made', helper.WHERE)
    return 'made'

def control(event, context):
    event['extensions']['response'].set_header('x-made', 'a\\u0001b')

def fails(event, context):
    raise ValueError('no luck')

def nothing(event, context):
    pass
`;

const LANGUAGES = [
  {
    name: "Node",
    program: process.execPath,
    adapter: "adapter.mjs",
    file: "app.js",
    key: "node",
    code: NODE,
  },
  { name: "Python", program: "python3", adapter: "adapter.py", file: "app.py", key: "python3", code: PYTHON },
] as const;

for (const { name, program, adapter, file, key, code } of LANGUAGES) {
  describe(`a handler in ${name}`, () => {
    let folder: string;
    const children: ChildProcess[] = [];
    before(function () {
      folder = mkdtempSync(join(tmpdir(), "skiff-handler-"));
      if (spawnSync(program, ["--version"]).error) notTried(this, `${program} is not installed`);
      writeFileSync(join(folder, adapter), readAdapters()[key]);
      writeFileSync(join(folder, file), code);
      writeFileSync(join(folder, "helper.py"), "WHERE = 'here'\n");
    });
    after(async () => {
      await Promise.all(
        children.map(async (child) => {
          child.kill("SIGKILL");
          if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        }),
      );
      rmSync(folder, { recursive: true, force: true });
    });

    const start = async (handler: string) => {
      const socket = join(folder, `${handler}.sock`);
      const env = { PATH: process.env.PATH, SOCKET: socket, FUNC_TIMEOUT: "30", FUNC_MEMORY_LIMIT: "128Mi" };
      const child = spawn(program, [`./${adapter}`, `./${file}`, handler], { cwd: folder, env });
      children.push(child);
      const errors = text(child.stderr);
      await eventually("it listens", async () => child.exitCode !== null || (await accepts(socket)));
      return { child, errors, ask: (asked: Asked = {}) => ask(socket, asked) };
    };

    it("gets the data, parsed if it is JSON", async () => {
      const { ask } = await start("echo");
      const plain = await ask({ method: "POST", body: "hello" });
      assert.deepEqual([plain.status, plain.body], [200, "hello"]);
      assert.match(plain.headers["content-type"]!, /^text\/plain/);
      const json = { "content-type": "application/json; charset=utf-8" };
      const object = await ask({ method: "POST", body: '{"a": [1]}', headers: json, isChunked: true });
      assert.deepEqual(JSON.parse(object.body), { a: [1] });
      assert.equal(object.headers["content-type"], "application/json");
      assert.equal((await ask({ method: "POST", body: "{", headers: json })).status, 500);
    });

    it("that sets a header that HTTP cannot have has failed", async () => {
      const { ask } = await start("control");
      const { status, headers, body } = await ask();
      assert.deepEqual(
        [status, headers["x-made"], JSON.parse(body).code],
        [500, undefined, "program_failed"],
      );
    });

    it("gets event and context as the documents of Kubeless show them", async () => {
      const { ask } = await start("all");
      const headers = {
        ...{ "content-type": "text/plain", "event-id": "7", "event-type": "made" },
        ...{ "event-time": "2026-01-01T00:00:00Z", "event-namespace": "kafka" },
      };
      const { body } = await ask({ method: "PUT", path: "/x?a=b%20c", body: "d", headers });
      const { context, ...event } = JSON.parse(body);
      assert.deepEqual(event, {
        ...{ data: "d", "event-id": "7", "event-type": "made", "event-time": "2026-01-01T00:00:00Z" },
        ...{ "event-namespace": "kafka", query: "b c", method: "PUT" },
      });
      assert.match(context.runtime, key === "node" ? /^nodejs\d+$/ : /^python3\.\d+$/);
      const { runtime: _, ...others } = context;
      assert.deepEqual(others, { "function-name": "all", timeout: "30", "memory-limit": "128Mi" });
      const cloud = await ask({ headers: { "ce-id": "8", "ce-type": "sold", "ce-source": "/shop" } });
      const { "event-id": id, "event-type": type, "event-namespace": source } = JSON.parse(cloud.body);
      assert.deepEqual([id, type, source], ["8", "sold", "/shop"]);
    });

    it("sets status and headers, or answers nothing", async () => {
      const made = await (await start("created")).ask();
      assert.deepEqual([made.status, made.headers["x-made"], made.body], [201, "here", "made"]);
      const nothing = await (await start("nothing")).ask();
      assert.deepEqual([nothing.status, nothing.body], [200, ""]);
    });

    it("is 500 program_failed if it throws, and goes on", async () => {
      const { ask, child, errors } = await start("fails");
      // The handler does not see probes.
      assert.equal((await ask({ headers: { "x-skiff-probe": "1" } })).status, 204);
      const failed = await ask({ headers: { "x-skiff-call-id": "c1" } });
      assert.equal(failed.status, 500);
      assert.equal(failed.headers["content-type"], "application/problem+json");
      const { code: problem, detail, callId } = JSON.parse(failed.body);
      assert.deepEqual([problem, callId], ["program_failed", "c1"]);
      assert.match(detail, /no luck/);
      assert.equal((await ask()).status, 500);
      child.kill("SIGTERM");
      await once(child, "exit");
      assert.match(await errors, /no luck/);
      assert.equal(child.exitCode, 0);
    });

    it("ends with the functions that there are if its own is missing", async () => {
      const { child, errors } = await start("misspelt");
      assert.match(await errors, /no function "misspelt".*echo/s);
      assert.equal(child.exitCode, 1);
    });
  });
}

async function accepts(path: string): Promise<boolean> {
  const connection = connect(path);
  try {
    await once(connection, "connect");
    return true;
  } catch {
    // It does not exist, or nothing listens yet.
    return false;
  } finally {
    connection.destroy();
  }
}

async function ask(socketPath: string, { path = "/", method = "GET", headers = {}, body, isChunked }: Asked) {
  const length = body === undefined || isChunked ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const outgoing = request({ socketPath, path, method, headers: { ...headers, ...length } });
  outgoing.end(body);
  const [incoming] = await once(outgoing, "response");
  const { statusCode: status, headers: answered } = incoming;
  return { status, headers: answered, body: await text(incoming) } as Answer;
}
