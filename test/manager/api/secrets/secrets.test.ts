import assert from "node:assert/strict";
import { Problem } from "../../../../platform/problems.ts";
import { FakePlatform } from "../../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../../started-manager.ts";

describe("manager: /secret", () => {
  let started: StartedManager;
  beforeEach(async () => {
    started = await startManager({ limits: { secretBytes: 100, pageSize: 3 } });
  });
  afterEach(() => started.stop());

  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${started.url}${path}`, init);
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: documents are read by path
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as any, text };
  };
  const put = (name: string, value: string | Uint8Array, headers: Record<string, string> = {}) =>
    ask(`/secret/${name}`, { method: "PUT", body: value as BodyInit, headers });
  const deploy = (name: string, query: string, source = "PLAIN") =>
    ask(`/func?name=${name}&${query}`, { method: "POST", body: source });
  const secretsOf = async (name: string) => (await ask(`/func/${name}`)).body.settings.secrets;

  it("stores, replaces and keeps a value", async () => {
    const created = await put("db-password", "one");
    assert.deepEqual([created.status, created.headers.get("etag")], [201, '"1"']);
    assert.equal(created.headers.get("location"), "/secret/db-password");
    const { body } = created;
    assert.deepEqual(body, {
      ...{ name: "db-password", version: 1, created: true, unchanged: false, functions: [], failed: [] },
    });
    const replaced = await put("db-password", "two");
    assert.deepEqual([replaced.status, replaced.body.version, replaced.headers.get("etag")], [200, 2, '"2"']);
    const kept = await put("db-password", "two");
    assert.deepEqual([kept.status, kept.body.version, kept.body.unchanged], [200, 2, true]);
    const lines = started.lines.filter((line) => !line.startsWith("audit"));
    assert.deepEqual(lines, [
      "stored secret db-password version 1",
      "stored secret db-password version 2",
      "unchanged secret db-password: version 2 has this value",
    ]);
  });

  it("refuses what cannot be a value, and quotes none of it", async () => {
    const cases: [string | Uint8Array, number, string, RegExp][] = [
      ["", 400, "invalid_request", /The body is empty/],
      [new Uint8Array([0x66, 0xff]), 400, "invalid_request", /not UTF-8: encode it/],
      ["FINDME\0", 400, "invalid_request", /has a NUL character/],
      [`FINDME${"x".repeat(100)}`, 413, "body_too_large", /over the limit of 100 bytes: .*SKIFF_MAX_SECRET/],
    ];
    for (const [value, status, code, detail] of cases) {
      const refused = await put("a", value);
      assert.deepEqual([refused.status, refused.body.code], [status, code]);
      assert.match(refused.body.detail, detail);
      assert.doesNotMatch(refused.text, /FINDME/);
    }
    assert.equal((await put("a", "x".repeat(100))).status, 201);
    assert.equal((await put("Wrong", "v")).body.code, "invalid_name");
    assert.equal((await put("a", "\uFEFFv")).status, 200, "a byte order mark is part of the value");
    assert.equal((await started.platform.secrets.resolve({ V: { secret: "a", version: 2 } })).V, "\uFEFFv");
  });

  it("checks If-Match and If-None-Match", async () => {
    assert.equal((await put("a", "v", { "if-match": '"1"' })).status, 412);
    assert.equal((await put("a", "v", { "if-match": "*" })).status, 412);
    assert.equal((await put("a", "v", { "if-none-match": "*" })).status, 201);
    const exists = await put("a", "w", { "if-none-match": "*" });
    assert.deepEqual([exists.status, exists.body.code], [412, "precondition_failed"]);
    assert.equal(
      exists.body.detail,
      'The secret "a" has version 1: name that version in If-Match to replace it.',
    );
    assert.equal((await put("a", "w", { "if-match": 'W/"1"' })).status, 412);
    assert.equal((await put("a", "w", { "if-match": '"9", "1"' })).status, 200);
    assert.equal((await put("a", "x", { "if-match": "*" })).status, 200);
    for (const headers of [
      { "if-match": "3" },
      { "if-match": '"3"', "if-none-match": "*" },
      { "if-none-match": '"3"' },
    ] as Record<string, string>[]) {
      assert.equal((await put("a", "y", headers)).body.code, "invalid_request", JSON.stringify(headers));
    }
    const init = { method: "DELETE", headers: { "if-match": '"2"' } };
    assert.equal((await ask("/secret/a", init)).status, 412);
    assert.equal((await ask("/secret/a", { ...init, headers: { "if-match": '"3"' } })).status, 200);
  });

  it("lists by page", async () => {
    for (const name of ["d", "b", "a", "c"]) await put(name, "FINDME");
    const first = await ask("/secret");
    assert.deepEqual(
      first.body.secrets.map((each: { name: string }) => each.name),
      ["a", "b", "c"],
    );
    const second = await ask(`/secret?cursor=${first.body.next}`);
    assert.deepEqual(
      [second.body.secrets.length, second.body.secrets[0].name, second.body.next],
      [1, "d", null],
    );
    assert.doesNotMatch(first.text + second.text, /FINDME/);
    assert.equal((await ask("/secret?cursor=%21")).body.code, "invalid_request");
  });

  it("gives a deploy the newest version", async () => {
    await put("db-password", "one");
    await put("db-password", "two");
    assert.equal((await deploy("f", "secrets=db-password,OTHER=db-password")).status, 201);
    const ref = { secret: "db-password", version: 2 };
    assert.deepEqual(await secretsOf("f"), { DB_PASSWORD: ref, OTHER: ref });
    const again = await deploy("f", "secrets=db-password,OTHER=db-password");
    assert.equal(again.body.unchanged, true);
  });

  it("refuses a deploy that asks for an unknown secret, before the function exists", async () => {
    const refused = await deploy("f", "secrets=nope");
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.setting],
      [400, "invalid_setting", "secrets"],
    );
    assert.match(
      refused.body.detail,
      /there is no secret "nope" for NOPE: create it with PUT \/secret\/nope/,
    );
    assert.equal((await ask("/func/f")).status, 404);
  });

  it("makes a new version of each function in use when a secret changes, with the settings of each", async () => {
    await put("a", "one");
    await put("b", "one");
    await deploy("f", "secrets=a&min=0&memory=256&env=X=1");
    await deploy("g", "secrets=a,b");
    await deploy("h", "secrets=b");
    const changed = await put("a", "two");
    assert.deepEqual(changed.body.functions, [
      { name: "f", version: 2 },
      { name: "g", version: 2 },
    ]);
    assert.deepEqual(changed.body.failed, []);
    const { settings, traffic } = (await ask("/func/f")).body;
    assert.deepEqual([settings.memoryMiB, settings.secrets.A.version], [256, 2]);
    assert.deepEqual(traffic, [{ version: 2, weight: 1 }]);
    assert.equal((await started.platform.find("f"))?.settings.env.X, "1");
    assert.deepEqual(await secretsOf("g"), {
      A: { secret: "a", version: 2 },
      B: { secret: "b", version: 1 },
    });
    assert.equal(started.builder.built.length, 3, "nothing is built again");
    assert.ok(started.lines.includes("deployed f version 2: secret a changed"));
    const same = await put("a", "two");
    assert.deepEqual([same.body.unchanged, same.body.functions], [true, []]);
  });

  it("keeps the shares of the traffic, and a rollback keeps its value until the next change", async () => {
    await put("a", "one");
    await deploy("f", "secrets=a");
    await deploy("f", "secrets=a&env=X=1");
    await started.platform.route("f", [
      { version: 1, weight: 9 },
      { version: 2, weight: 1 },
    ]);
    const changed = await put("a", "two");
    assert.deepEqual(changed.body.functions, [{ name: "f", version: 3 }]);
    assert.deepEqual((await ask("/func/f")).body.traffic, [
      { version: 3, weight: 9 },
      { version: 4, weight: 1 },
    ]);
    await started.platform.route("f", [{ version: 1, weight: 1 }]);
    assert.equal((await secretsOf("f")).A.version, 1);
    const { functions } = (await put("a", "three")).body;
    assert.deepEqual(functions, [{ name: "f", version: 5 }]);
    assert.equal((await secretsOf("f")).A.version, 3);
  });

  it("reaches a deploy under way that has chosen the version before", async () => {
    await put("a", "one");
    const held = Promise.withResolvers<void>();
    let starts = 0;
    await started.stop();
    const platform = new FakePlatform({
      start: async () => {
        if (++starts === 1) await held.promise;
        return { unix: "/nonexistent/fake.sock" };
      },
    });
    started = await startManager({ platform });
    await put("a", "one");
    const deploying = deploy("f", "secrets=a");
    while (starts === 0) await new Promise(setImmediate);
    const changing = put("a", "two");
    while (!started.lines.includes("stored secret a version 2")) await new Promise(setImmediate);
    held.resolve();
    assert.equal((await deploying).body.version, 1);
    assert.deepEqual((await changing).body.functions, [{ name: "f", version: 2 }]);
    assert.equal((await secretsOf("f")).A.version, 2);
  });

  it("does not undo a rollback that comes meanwhile, and gives that version the value", async () => {
    let isRolledBack = false;
    await started.stop();
    const platform: FakePlatform = new FakePlatform({
      start: ({ version }) => {
        if (version === 3 && !isRolledBack) {
          isRolledBack = true;
          void platform.route("f", [{ version: 1, weight: 1 }]);
        }
        return { unix: "/nonexistent/fake.sock" };
      },
    });
    started = await startManager({ platform });
    await put("a", "one");
    await deploy("f", "secrets=a", "PLAIN first");
    await deploy("f", "secrets=a", "PLAIN second");
    const changed = await put("a", "two");
    assert.deepEqual(changed.body.functions, [{ name: "f", version: 4 }]);
    assert.equal(Buffer.from((await platform.readSource("f"))!.bytes).toString(), "PLAIN first");
    assert.equal((await secretsOf("f")).A.version, 2);
  });

  it("warns of a rollback to a version whose secret is gone", async () => {
    await put("a", "one");
    await deploy("f", "secrets=a");
    await deploy("f", "secrets=none");
    await ask("/secret/a", { method: "DELETE" });
    const { status, body } = await ask("/func/f/rollback", { method: "POST" });
    assert.deepEqual([status, body.version], [200, 1]);
    assert.match(
      body.warnings.join(),
      /Version 1 of "f" asks for version 1 of the secret "a", which is gone/,
    );
  });

  it("says which functions go on with the value before, and tries them again at the next put", async () => {
    let isBroken = false;
    await started.stop();
    const platform = new FakePlatform({
      start: ({ name }) => {
        if (isBroken && name === "f") throw new Problem("start_failed", "It does not start.");
        return { unix: "/nonexistent/fake.sock" };
      },
    });
    started = await startManager({ platform });
    await put("a", "one");
    await deploy("f", "secrets=a");
    await deploy("g", "secrets=a");
    isBroken = true;
    const failed = await put("a", "two");
    assert.equal(failed.status, 200);
    assert.deepEqual(failed.body.functions, [{ name: "g", version: 2 }]);
    assert.deepEqual(failed.body.failed, [{ name: "f", code: "start_failed", detail: "It does not start." }]);
    assert.equal((await secretsOf("f")).A.version, 1);
    assert.ok(
      started.lines.includes("not deployed: f goes on with the secret a as it was: It does not start."),
    );
    isBroken = false;
    const again = await put("a", "two");
    assert.deepEqual([again.body.unchanged, again.body.functions], [true, [{ name: "f", version: 2 }]]);
  });

  it("describes a secret and the functions that use it", async () => {
    await put("a", "FINDME");
    await deploy("f", "secrets=a");
    const described = await ask("/secret/a");
    assert.equal(described.headers.get("etag"), '"1"');
    const { createdAt, updatedAt, versions, ...rest } = described.body;
    assert.deepEqual(rest, {
      ...{ name: "a", version: 1, functions: [{ name: "f", version: 1, secretVersion: 1 }] },
    });
    assert.deepEqual(versions, [{ version: 1, createdAt }]);
    assert.equal(updatedAt, createdAt);
    assert.doesNotMatch(described.text, /FINDME/);
    assert.equal((await ask("/secret/nope")).body.code, "unknown_secret");
  });

  it("removes a secret that no function in use asks for, and others by force", async () => {
    await put("a", "one");
    await deploy("f", "secrets=a");
    const refused = await ask("/secret/a", { method: "DELETE" });
    assert.deepEqual([refused.status, refused.body.code], [409, "secret_in_use"]);
    assert.match(refused.body.detail, /"a" is in use by f: remove it from their settings/);
    await ask("/func/f", {
      method: "PATCH",
      body: '{"secrets":null}',
      headers: { "content-type": "application/json" },
    });
    assert.equal(
      (await ask("/secret/a", { method: "DELETE" })).status,
      200,
      "only an old version asks for it",
    );
    assert.equal((await ask("/secret/a", { method: "DELETE" })).body.code, "unknown_secret");
    await put("b", "one");
    await deploy("f", "secrets=b");
    assert.equal((await ask("/secret/b?force=true", { method: "DELETE" })).status, 200);
    assert.equal((await ask("/secret/b")).status, 404);
    const patch = await ask("/func/f", {
      method: "PATCH",
      body: '{"env":{"X":"1"}}',
      headers: { "content-type": "application/json" },
    });
    assert.match(patch.body.detail, /there is no secret "b" for B/);
  });
});
