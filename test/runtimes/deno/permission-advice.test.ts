import assert from "node:assert/strict";
import { explainLine } from "../../../runtimes/deno/permission-advice.ts";
import { threadMs } from "../../support/processor/thread-time.ts";

const requires = (kind: string, target?: string) =>
  `NotCapable: Requires ${kind} access${target === undefined ? "" : ` to "${target}"`}, run again with the --allow-${kind} flag`;

const PUBLIC = { net: ["public"], sys: [] };

describe("the explanation of a permission that a function does not have", () => {
  for (const [line, permissions, advice] of [
    [requires("net", "10.1.2.3:8080"), PUBLIC, "deploy again with net=public,10.1.2.3"],
    [
      requires("net", "10.1.2.3:8080"),
      { net: ["api.example.com"], sys: [] },
      "deploy again with net=api.example.com,10.1.2.3:8080",
    ],
    [requires("net", "db.internal:5432"), { net: [], sys: [] }, "deploy again with net=db.internal:5432"],
    [requires("net", "10.1.2.3:8080"), undefined, "add 10.1.2.3:8080 to the setting net"],
    [
      requires("net", "localhost:9000"),
      PUBLIC,
      "deploy again with net=public,localhost,127.0.0.1,[::1]; to listen there, call Deno.serve instead",
    ],
    [
      requires("net", "localhost:9000"),
      { net: [], sys: [] },
      "deploy again with net=localhost:9000,127.0.0.1:9000,[::1]:9000; to listen there, call Deno.serve instead",
    ],
    [requires("sys", "hostname"), PUBLIC, "deploy again with sys=hostname"],
    [requires("sys", "hostname"), { net: [], sys: ["cpus"] }, "deploy again with sys=cpus,hostname"],
    [requires("sys", "username"), PUBLIC, "no setting grants this permission"],
    [requires("env", "KEY"), PUBLIC, "declare the variable: deploy again with env=KEY=value"],
  ] as const) {
    it(`names the setting for ${line.slice(12, 50)} with net=${permissions?.net}`, () => {
      const text = line.slice(0, line.indexOf(", run again"));
      assert.equal(explainLine(line, permissions), `${text}: ${advice}`);
    });
  }

  for (const text of [
    "Cannot find module 'napi-",
    "A remote specifier was requested ",
    "Failed to spawn '",
    'Requires net access to "',
    "/node_modules/bindings/",
  ]) {
    it(`takes no time for a line that repeats ${text}`, () => {
      const startedAt = threadMs();
      for (let length = 500; length < 200_000; length *= 2)
        explainLine(text.repeat(length / text.length), PUBLIC);
      assert.ok(threadMs() - startedAt < 1_000);
    });
  }

  for (const [line, part] of [
    [requires("net", "[::]:3000"), /cannot listen on an address of its own.*Deno\.serve/],
    [requires("net", "0.0.0.0:80"), /cannot listen on an address of its own.*Deno\.serve/],
    [requires("read", "/etc/passwd"), /its scratch folder, Deno\.env\.get\('TMPDIR'\)/],
    [requires("write", "/x"), /its scratch folder/],
    [requires("ffi", "/x.node"), /native code, which a function cannot load: use a package in JavaScript/],
    [requires("run"), /starts no programs/],
    [requires("import", "example.com:443"), /resolved at the deploy: import with a literal specifier/],
    ["TypeError: npm specifiers were requested; but --no-npm is specified", /literal specifier/],
    ["TypeError: Deno.openKv is not a function", /not a function: Skiff has no Deno KV/],
    ["TypeError: Deno.cron is not a function", /call it on time from outside/],
    ["ReferenceError: WebSocketPair is not defined", /Deno\.upgradeWebSocket\(request\)/],
    ["Error: Cannot find module '../build/Release/bcrypt_lib.node'", /'.*bcrypt_lib\.node': this is native/],
    ["Error: Cannot find module '@img/sharp-linux-x64/sharp.node'", /native code/],
    ["NotFound: Failed to spawn 'ls': entity not found", /not found: a function starts no programs/],
  ] as const) {
    it(`says what to do about "${line.slice(0, 60)}"`, () => {
      const explained = explainLine(line, PUBLIC);
      assert.match(explained, part);
      assert.doesNotMatch(explained, /run again|--allow/);
    });
  }

  it("keeps a line of JSON one", () => {
    const line = JSON.stringify({ level: 50, message: requires("net", "10.1.2.3:8080"), stack: "at a" });
    const explained = JSON.parse(explainLine(line, PUBLIC));
    assert.equal(
      explained.message,
      'NotCapable: Requires net access to "10.1.2.3:8080": deploy again with net=public,10.1.2.3',
    );
  });

  it("leaves other lines as they are", () => {
    for (const line of [
      "",
      "hello",
      "it requires access",
      "x is not a function",
      "--allow-net",
      "$& native",
    ]) {
      assert.equal(explainLine(line, PUBLIC), line);
    }
  });
});
