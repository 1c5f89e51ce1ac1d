import { strict as assert } from "node:assert";
import request from "supertest";
import type { Draft } from "../../../platform/platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

describe("manager: changing the settings of a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
    await request(skiff.url).post("/func?name=hello&min=1&env=A=1&env=B=2").send("one").expect(201);
  });
  afterEach(() => skiff.stop());

  const patch = (body: string | object, type = "application/json") =>
    request(skiff.url).patch("/func/hello").set("content-type", type).send(body);

  it("makes a new version of the same bundle with the settings merged", async () => {
    const answer = await patch({ min: 2, env: { A: null, C: "3" }, permissions: { net: [] } }).expect(200);
    assert.deepEqual(answer.body, {
      name: "hello",
      version: 2,
      url: `${skiff.url}/fn/hello`,
      created: false,
      unchanged: false,
    });
    const { settings } = (await skiff.platform.find("hello"))!;
    assert.equal(settings.min, 2);
    assert.deepEqual(settings.env, { B: "2", C: "3" });
    assert.deepEqual(settings.permissions, { net: [], sys: [] });
    assert.equal(Buffer.from((await skiff.platform.readSource("hello"))!.bytes).toString(), "one");
    assert.equal(skiff.builder.built.length, 1);
    assert.match(
      skiff.lines.at(-1)!,
      /^deployed hello version 2 in [\d.]+ m?s \(same bundle, start [\d.]+ m?s\)$/,
    );
  });

  it("reads hashes alone: the platform takes source and bundle from the version before", async () => {
    const { platform } = skiff;
    const contents: Draft["content"][] = [];
    const store = platform.store.bind(platform);
    platform.store = (draft, signal) => {
      contents.push(draft.content);
      return store(draft, signal);
    };
    platform.readSource = () => Promise.reject(new Error("the source was read"));
    await patch({ min: 2 }).expect(200);
    await patch({ min: 2 }).expect(200);
    assert.deepEqual(contents, [{ sameAs: 1 }]);
  });

  it("takes a setting back to its default with null", async () => {
    await patch({ min: null, env: null }, "application/merge-patch+json; charset=utf-8").expect(200);
    const { settings } = (await skiff.platform.find("hello"))!;
    assert.equal(settings.min, 0);
    assert.deepEqual(settings.env, {});
  });

  it("says unchanged when the settings are the same", async () => {
    const answer = await patch({ min: 1, env: { B: "2" } }).expect(200);
    assert.equal(answer.body.unchanged, true);
    assert.equal(answer.body.version, 1);
  });

  it("answers 404 for a function that is not there", async () => {
    const answer = await request(skiff.url).patch("/func/other").send({ min: 1 }).expect(404);
    assert.equal(answer.body.code, "unknown_function");
  });

  const refused: readonly [
    title: string,
    status: number,
    code: string,
    body: string | object,
    type?: string,
  ][] = [
    ["another media type", 415, "unsupported_media_type", "min=1", "application/x-www-form-urlencoded"],
    ["what is no JSON", 400, "invalid_request", "{min: 1}"],
    ["an empty body", 400, "invalid_request", ""],
    ["a list", 400, "invalid_request", "[]"],
    ["null", 400, "invalid_request", "null"],
    ["an unknown setting", 400, "invalid_setting", { cpu: 1 }],
    ["a setting of another type", 400, "invalid_setting", { min: "1" }],
    ["a setting out of range", 400, "invalid_setting", { max: 1_000_000 }],
    ["an unknown permission", 400, "invalid_setting", { permissions: { run: ["sh"] } }],
    ["a variable of the runtime", 400, "invalid_setting", { env: { LD_PRELOAD: "x" } }],
    ["a member that would be a prototype", 400, "invalid_setting", '{"__proto__": {"min": 5}}'],
    ["more than 1 MiB", 413, "body_too_large", JSON.stringify({ env: { A: "x".repeat(1024 ** 2) } })],
  ];
  for (const [title, status, code, body, type] of refused) {
    it(`refuses ${title}`, async () => {
      const answer = await patch(body, type).expect(status);
      assert.equal(answer.body.code, code);
      assert.equal((await skiff.platform.describe("hello"))!.version, 1);
    });
  }

  it("names what it accepts when the type is another one", async () => {
    const answer = await patch("min: 1", "text/yaml").expect(415);
    assert.equal(answer.headers["accept-patch"], "application/json, application/merge-patch+json");
  });

  it("refuses bytes that are no UTF-8", async () => {
    const head =
      "PATCH /func/hello HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close";
    // A string of JSON whose only character is a lone continuation byte.
    const answer = await skiff.raw(`${head}\r\ncontent-length: 2\r\n\r\n"\u00e9`);
    assert.match(answer, /^HTTP\/1\.1 400 /);
  });

  it("refuses parameters, which belong into the body here", async () => {
    const answer = await request(skiff.url).patch("/func/hello?min=1").send({}).expect(400);
    assert.equal(answer.body.code, "invalid_request");
  });
});
