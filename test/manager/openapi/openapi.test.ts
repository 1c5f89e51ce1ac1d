import { strict as assert } from "node:assert";
import type { Router } from "@koa/router";
import request, { type Response } from "supertest";
import { keyAccess } from "../../../manager/access/key-access.ts";
import { ROUTE_RULES } from "../../../manager/access/route-rules.ts";
import { KnownFlows } from "../../../manager/api/flows/known-flows.ts";
import { CommandRuns } from "../../../manager/commands/command-runs.ts";
import { Deploys } from "../../../manager/deploys/deploys.ts";
import { Mirrors } from "../../../manager/git/mirror/mirrors.ts";
import { PushCounter } from "../../../manager/git/push/push-counter.ts";
import { receivePush } from "../../../manager/git/push/receive.ts";
import { Repositories } from "../../../manager/git/repositories.ts";
import { openApi } from "../../../manager/openapi/openapi.ts";
import { createRoutes } from "../../../manager/routes.ts";
import { commandRules } from "../../../platform/images/command-rules.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { PROBLEMS } from "../../../platform/problems.ts";
import { SYS_KINDS } from "../../../platform/settings/permissions.ts";
import { QUOTA_QUERY } from "../../../platform/settings/quota.ts";
import { RETRY_QUERY } from "../../../platform/settings/retry.ts";
import { START_NAMES } from "../../../platform/settings/runtime.ts";
import { NUMBER_SETTINGS } from "../../../platform/settings/settings.ts";
import { START_QUERY } from "../../../platform/settings/start.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { ProcessCommands } from "../../support/platform/process-commands.ts";
import { FakeBuilder, LIMITS, type StartedManager, startManager } from "../started-manager.ts";
import { schemaFaults } from "./schema-check.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here, member by member.
type Any = any;

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];
const document: Any = openApi(LIMITS, { mode: "loopback" });

/** `METHOD path` of everything documented but what begins calls and runs, which is for routers, events and flows. */
function documented(): string[] {
  return Object.entries<Any>(document.paths)
    .filter(([path]) => !/^\/(async\/)?fn\/|^\/gateway\/|^\/async\/exec$|^\/flow\/\{name\}\/http/.test(path))
    .flatMap(([path, item]) =>
      Object.keys(item)
        .filter((key) => METHODS.includes(key))
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    .filter((operation) => !/^POST \/(topic\/\{name\}(\/call)?|flow\/\{name\}\/run)$/.test(operation));
}

function routes(): Router {
  const platform = new FakePlatform();
  const builder = new FakeBuilder();
  const table = new KeyTable();
  const deploys = new Deploys({ platform, builder, limits: LIMITS });
  const print = () => {};
  const services = { platform, deploys, builder, limits: LIMITS, print };
  const repositories = new Repositories({ ...services, kinds: () => [] });
  const mirrors = new Mirrors({
    ...{ ...services, repositories, allowedHosts: new Set(), audit: undefined, now: Date.now },
    kinds: () => [],
  });
  return createRoutes({
    ...services,
    repositories,
    mirrors,
    pushes: new PushCounter(),
    receivePush: (push) => receivePush(push, { ...services, repositories, kinds: [] }),
    commandRuns: new CommandRuns({ commands: undefined, limits: LIMITS, print }),
    flows: new KnownFlows({ limits: LIMITS }),
    access: { mode: "open" },
    metrics: async () => "",
    ready: () => undefined,
    closing: new AbortController().signal,
    keyTable: table,
    keys: keyAccess({ platform, keys: table, limits: LIMITS, now: Date.now, print: () => {} }),
  });
}

function routed(): string[] {
  return routes().stack.flatMap((layer) =>
    layer.methods
      .filter((method) => method !== "HEAD")
      .map((method) => `${method} ${String(layer.path).replace(/:(\w+)/g, "{$1}")}`),
  );
}

function operations(): [string, Any][] {
  return Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method): [string, Any] => [
      `${method} ${path}`,
      item[method],
    ]),
  );
}

/** A clone sends what it has. */
const READING = /^GET |git-upload-pack$/;

describe("manager: the OpenAPI document", () => {
  it("describes every route, and no other", () => {
    assert.deepEqual(documented().sort(), routed().sort());
  });

  it("has a rule of access for every route but the probes, and an action for each that changes something", () => {
    const all = routes().stack.flatMap((layer) =>
      layer.methods.filter((method) => method !== "HEAD").map((method) => `${method} ${String(layer.path)}`),
    );
    const guarded = all.filter((route) => !/^GET \/(healthz|readyz)$/.test(route));
    assert.deepEqual(Object.keys(ROUTE_RULES).sort(), guarded.sort());
    for (const [route, { action }] of Object.entries(ROUTE_RULES))
      assert.equal(action !== undefined, !READING.test(route) || route === "GET /exec", route);
  });

  it("describes the calls of functions by every method, without a token", () => {
    for (const path of ["/fn/{name}", "/fn/{name}/{path}"]) {
      for (const method of METHODS)
        assert.deepEqual(document.paths[path][method].security, [], `${method} ${path}`);
    }
  });

  it("has what the router answers itself, with the headers that it sends", () => {
    for (const path of ["/fn/{name}", "/fn/{name}/{path}"]) {
      const { responses } = document.paths[path].get;
      const statuses = Object.keys(responses).filter((status) => status !== "default");
      assert.deepEqual(
        statuses.map(Number),
        [400, 401, 403, 404, 408, 413, 417, 429, 431, 500, 502, 503, 504],
      );
      for (const status of statuses) {
        const names = Object.keys(responses[status].headers);
        const hasRetry = status === "429" || status === "503";
        const hasChallenge = status === "401" || status === "403";
        const expected = ["x-skiff-call-id", "x-skiff-error", ...(hasRetry ? ["retry-after"] : [])];
        if (hasChallenge) expected.push("www-authenticate");
        assert.deepEqual(names, expected, status);
        assert.equal(responses[status].headers["x-skiff-error"].required, true, status);
      }
      assert.deepEqual(Object.keys(responses.default.headers), ["x-skiff-call-id"]);
      assert.equal(document.paths[path].trace, undefined, "TRACE is not passed on");
    }
  });

  it("has an id of its own for each operation, and a parameter for each name in a path", () => {
    const ids = operations().map(([, operation]) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const [path, item] of Object.entries<Any>(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const given = (item.parameters ?? [])
        .filter((each: Any) => each.in === "path")
        .map((each: Any) => each.name);
      assert.deepEqual(given, names, path);
    }
  });

  it("refers only to what it has", () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
    const used = new Set([...references].map((match) => match[1]!));
    for (const name of used) assert.ok(document.components.schemas[name], name);
    for (const name of Object.keys(document.components.schemas))
      assert.ok(used.has(name), `${name} is not used`);
  });

  it("has every setting with its range, in the query and in the patch", () => {
    const { schemas } = document.components;
    const queries = (operation: Any) => operation.parameters.map((each: Any) => each.name);
    for (const [name, { query, least, most }] of Object.entries(NUMBER_SETTINGS)) {
      const bound = name === "min" || name === "max" ? LIMITS.instancesPerFunction : most;
      for (const schema of [schemas.Settings.properties[name], schemas.SettingsPatch.properties[name]]) {
        assert.equal(schema.minimum, least, name);
        assert.equal(schema.maximum, bound, name);
      }
      assert.ok(queries(document.paths["/func"].post).includes(query), query);
      assert.ok(queries(document.paths["/func/{name}"].put).includes(query), query);
    }
    const inQuery = [
      "env",
      "net",
      "sys",
      "entry",
      "hosts",
      "secrets",
      "access",
      ...Object.values(QUOTA_QUERY),
      "cron",
      ...Object.values(RETRY_QUERY),
      ...Object.values(START_QUERY),
    ];
    for (const name of inQuery) assert.ok(queries(document.paths["/func"].post).includes(name), name);
    const kinds = schemas.Settings.properties.permissions.properties.sys.items.enum;
    assert.deepEqual(kinds, SYS_KINDS);
    const rest = ["env", "permissions", "entry", "hosts", "secrets", "access", "quota", "cron", "retry"];
    const expected = [...Object.keys(NUMBER_SETTINGS), ...rest, ...START_NAMES];
    assert.deepEqual(Object.keys(schemas.SettingsPatch.properties), expected);
  });

  it("has the same settings in the form as in the query, besides the source", () => {
    for (const operation of [document.paths["/func"].post, document.paths["/func/{name}"].put]) {
      const { schema } = operation.requestBody.content["multipart/form-data"];
      const { post } = document.paths["/func"];
      const inQuery = post.parameters.filter((each: Any) => each.in === "query");
      const queries = inQuery.map((each: Any) => each.name);
      assert.deepEqual(Object.keys(schema.properties), ["source", ...queries]);
      assert.deepEqual(schema.required, ["source"]);
    }
  });

  it("has exactly the codes of the table of problems", () => {
    assert.deepEqual(document.components.schemas.Problem.properties.code.enum, Object.keys(PROBLEMS));
  });

  it("names each code of the table somewhere: in an operation or in the description", () => {
    const text = JSON.stringify(document.paths) + document.info.description;
    for (const code of Object.keys(PROBLEMS)) assert.ok(text.includes(`\`${code}\``), code);
  });

  it("asks for the token where one is needed", () => {
    const remote: Any = openApi(LIMITS, { mode: "token", tokenHash: "", whereabouts: "" });
    assert.deepEqual(remote.security, [{ token: [] }]);
    assert.deepEqual(remote.paths["/healthz"].get.security, []);
    assert.deepEqual(remote.paths["/readyz"].get.security, []);
    assert.equal(remote.paths["/metrics"].get.security, undefined);
  });
});

describe("manager: the answers that OpenAPI documents", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    const platform = new FakePlatform({ commands: new ProcessCommands() });
    skiff = await startManager({ platform, commandRules: commandRules({}, true) });
    await app().post("/func?name=a&env=A=1").send("zero").expect(201);
    await app().put("/func/b").send("one").expect(201);
  });
  afterEach(() => skiff.stop());

  const app = () => request(skiff.url);
  const KEY = { name: "ci", scopes: ["call"], functions: ["a"], ttl: "1h", quota: { rate: "5/s" } };
  const key = async (): Promise<{ id: string; key: string }> =>
    (await app().post("/key").send(KEY).expect(201)).body;
  type Row = readonly [operation: string, status: number, send: () => Promise<Response> | request.Test];
  const rows: readonly Row[] = [
    ["post /func", 201, () => app().post("/func?name=c&env=A=1").send("one")],
    ["post /func", 200, () => app().post("/func?name=a").send("two")],
    ["post /func", 400, () => app().post("/func?name=A").send("one")],
    ["post /func", 400, () => app().post("/func?name=a&x=1").send("one")],
    ["post /func", 400, () => app().post("/func?name=a").send("")],
    ["post /func", 415, () => app().post("/func?name=a").set("content-encoding", "gzip").send("one")],
    ["post /func", 422, () => app().post("/func?name=a").send("BROKEN")],
    ["post /func", 500, () => app().post("/func?name=a").send("CRASH")],
    ["post /func", 403, () => app().post("/func?name=a").set("origin", "https://evil.example").send("one")],
    ["put /func/{name}", 201, () => app().put("/func/c").send("one")],
    ["put /func/{name}", 200, () => app().put("/func/b").send("one")],
    ["put /func/{name}", 400, () => app().put("/func/b?max=0").send("one")],
    ["patch /func/{name}", 200, () => app().patch("/func/a").send({ min: 1 })],
    ["patch /func/{name}", 400, () => app().patch("/func/a").send({ min: -1 })],
    ["patch /func/{name}", 404, () => app().patch("/func/none").send({ min: 1 })],
    [
      "patch /func/{name}",
      413,
      () =>
        app()
          .patch("/func/a")
          .send({ env: { A: "x".repeat(1024 ** 2) } }),
    ],
    ["patch /func/{name}", 415, () => app().patch("/func/a").set("content-type", "text/plain").send("x")],
    ["get /func", 200, () => app().get("/func?limit=1")],
    ["get /func", 200, () => app().get("/func")],
    ["get /func", 200, () => app().get("/func?detail=activity")],
    ["get /system", 200, () => app().get("/system")],
    ["get /func", 400, () => app().get("/func?limit=0")],
    ["get /func/{name}", 200, () => app().get("/func/a")],
    ["get /func/{name}", 400, () => app().get("/func/A")],
    ["get /func/{name}", 404, () => app().get("/func/none")],
    [
      "get /func/{name}/versions/{version}/diff",
      200,
      async () => {
        await app().put("/func/a").send("two");
        return app().get("/func/a/versions/2/diff");
      },
    ],
    ["get /func/{name}/versions/{version}/diff", 404, () => app().get("/func/a/versions/1/diff")],
    ["get /func/{name}/traffic", 200, () => app().get("/func/a/traffic")],
    ["get /func/{name}/traffic", 404, () => app().get("/func/none/traffic")],
    [
      "put /func/{name}/traffic",
      200,
      () =>
        app()
          .put("/func/a/traffic")
          .send({ weights: { 1: 2 } }),
    ],
    ["put /func/{name}/traffic", 400, () => app().put("/func/a/traffic").send({ weights: {} })],
    [
      "put /func/{name}/traffic",
      412,
      () =>
        app()
          .put("/func/a/traffic")
          .set("if-match", "x")
          .send({ weights: { 1: 1 } }),
    ],
    ["post /func/{name}/rollback", 200, () => app().post("/func/a/rollback?to=1")],
    ["post /func/{name}/rollback", 404, () => app().post("/func/a/rollback")],
    ["get /func/{name}/versions", 200, () => app().get("/func/a/versions?limit=1")],
    ["get /func/{name}/versions", 404, () => app().get("/func/none/versions")],
    ["get /func/{name}/versions/{version}", 200, () => app().get("/func/a/versions/1")],
    ["get /func/{name}/versions/{version}", 404, () => app().get("/func/a/versions/9")],
    [
      "patch /func/{name}/versions/{version}",
      200,
      () => app().patch("/func/a/versions/1").send({ pinned: true }),
    ],
    [
      "patch /func/{name}/versions/{version}",
      400,
      () => app().patch("/func/a/versions/1").send({ pinned: 1 }),
    ],
    ["post /func", 412, () => app().post("/func?name=a").set("if-match", '"7"').send("two")],
    ["get /func/{name}/source", 200, () => app().get("/func/a/source")],
    ["get /func/{name}/files", 200, () => app().get("/func/a/files")],
    ["get /func/{name}/files", 404, () => app().get("/func/a/files?version=99")],
    ["get /func/{name}/metrics", 400, () => app().get("/func/a/metrics?step=1s")],
    ["get /func/{name}/metrics", 503, () => app().get("/func/a/metrics")],
    ["get /trace/{id}", 503, () => app().get("/trace/x")],
    ["get /run", 503, () => app().get("/run")],
    ["get /func/{name}/source", 404, () => app().get("/func/a/source?version=99")],
    ["get /func/{name}/logs", 200, () => app().get("/func/a/logs")],
    ["get /func/{name}/logs", 400, () => app().get("/func/a/logs?tail=x")],
    ["get /", 200, () => app().get("/")],
    ["get /healthz", 200, () => app().get("/healthz")],
    ["get /readyz", 200, () => app().get("/readyz")],
    ["get /metrics", 200, () => app().get("/metrics")],
    ["get /openapi.json", 200, () => app().get("/openapi.json")],
    ["get /audit", 503, () => app().get("/audit")],
    ["get /audit", 400, () => app().get("/audit?since=x")],
    ["get /whoami", 200, () => app().get("/whoami")],
    ["post /key", 201, () => app().post("/key").send(KEY)],
    [
      "post /key",
      400,
      () =>
        app()
          .post("/key")
          .send({ ...KEY, scopes: ["all"] }),
    ],
    ["post /key", 415, () => app().post("/key").set("content-type", "text/plain").send("x")],
    ["get /key", 200, async () => key().then(() => app().get("/key"))],
    [
      "get /key",
      401,
      () =>
        app()
          .get("/key")
          .set("authorization", `Bearer sk_kaaaaaaaaa_${"a".repeat(43)}`),
    ],
    [
      "get /key",
      403,
      async () =>
        app()
          .get("/key")
          .set("authorization", `Bearer ${(await key()).key}`),
    ],
    ["get /key/{id}", 200, async () => app().get(`/key/${(await key()).id}`)],
    ["get /key/{id}", 404, () => app().get("/key/none")],
    [
      "patch /key/{id}",
      200,
      async () =>
        app()
          .patch(`/key/${(await key()).id}`)
          .send({ name: "b" }),
    ],
    ["patch /key/{id}", 404, () => app().patch("/key/none").send({ name: "b" })],
    ["post /key/{id}/rotate", 200, async () => app().post(`/key/${(await key()).id}/rotate`)],
    ["post /key/{id}/rotate", 404, () => app().post("/key/none/rotate")],
    ["delete /key/{id}", 200, async () => app().delete(`/key/${(await key()).id}`)],
    ["delete /key/{id}", 404, () => app().delete("/key/none")],
    ["get /exec", 200, () => app().get("/exec?image=box&cmd=true")],
    ["get /exec", 200, () => app().get("/exec?image=box&cmd=true").set("accept", "application/json")],
    ["get /exec", 400, () => app().get("/exec")],
    ["get /exec", 422, () => app().get("/exec?image=box&cmd=no-such-program")],
    ["post /exec", 504, () => app().post("/exec?image=box&cmd=sleep%209&timeout=50ms").send("x")],
    ["delete /func/{name}", 200, () => app().delete("/func/b")],
    ["delete /func/{name}", 404, () => app().delete("/func/c")],
  ];

  for (const [index, [operation, status, send]] of rows.entries()) {
    it(`hold for ${operation} with ${status} (${index + 1})`, async () => {
      const answer = await send();
      assert.equal(answer.status, status);
      assertDocumented(operation, answer);
    });
  }
});

function assertDocumented(operation: string, answer: Response): void {
  const [method, path] = operation.split(" ") as [string, string];
  const response = document.paths[path][method].responses[answer.status];
  assert.ok(response, `${answer.status} is not documented for ${operation}: ${answer.text}`);
  const type = answer.headers["content-type"]!.split(";")[0]!;
  const content = response.content[type];
  assert.ok(content, `${type} is not documented for ${operation} with ${answer.status}`);
  for (const [name, header] of Object.entries<Any>(response.headers ?? {})) {
    if (header.required) assert.ok(answer.headers[name], name);
  }
  for (const name of ["x-skiff-call-id", "x-skiff-error", "retry-after", "www-authenticate"]) {
    if (name in answer.headers) assert.ok(response.headers?.[name], `${name} is not documented`);
  }
  if (!type.endsWith("json")) return;
  assert.deepEqual(schemaFaults(content.schema, JSON.parse(answer.text), document), []);
}
