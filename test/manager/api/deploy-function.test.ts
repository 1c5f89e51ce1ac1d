import { strict as assert } from "node:assert";
import request from "supertest";
import { Problem } from "../../../platform/problems.ts";
import { START_DEFAULTS } from "../../../platform/settings/runtime.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const FORM = "application/x-www-form-urlencoded";

describe("manager: deploying a function", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());

  const post = (query: string, body: string | Buffer = "export default () => 1;") =>
    request(skiff.url).post(`/func?${query}`).set("content-type", FORM).send(body);
  const settings = async (name: string) => (await skiff.platform.describe(name))!.settings;

  it("answers 201 with name, version, URL and Location when the function is new", async () => {
    const answer = await post("name=hello").expect(201);
    const url = `${skiff.url}/fn/hello`;
    assert.deepEqual(answer.body, { name: "hello", version: 1, url, created: true, unchanged: false });
    assert.equal(answer.headers.location, "/func/hello");
    assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  });

  it("answers 200 with the next version when the source is another one", async () => {
    await post("name=hello");
    const answer = await post("name=hello", "export default () => 2;").expect(200);
    assert.equal(answer.body.version, 2);
    assert.equal(answer.body.created, false);
    assert.equal(answer.headers.location, undefined);
  });

  it("does the same with PUT /func/NAME", async () => {
    const put = (body: string) => request(skiff.url).put("/func/hello?min=1").send(body);
    assert.equal((await put("one").expect(201)).body.version, 1);
    assert.equal((await put("two").expect(200)).body.version, 2);
    assert.equal((await settings("hello")).min, 1);
  });

  it("takes the bytes as they are, whatever the content type says", async () => {
    const bytes = Buffer.from('export default () => "a=1&b=ü %41+\r\n";\n');
    for (const type of [FORM, "application/json", "text/plain; charset=latin1", "application/octet-stream"]) {
      await request(skiff.url).post("/func?name=hello").set("content-type", type).send(bytes.toString());
      assert.deepEqual(Buffer.from((await skiff.platform.readSource("hello"))!.bytes), bytes, type);
    }
  });

  it("says unchanged and neither builds nor publishes when the same source comes again", async () => {
    await post("name=hello&min=1");
    skiff.platform.store = () => Promise.reject(new Error("stored again"));
    const answer = await post("name=hello").expect(200);
    assert.equal(answer.body.unchanged, true);
    assert.equal(answer.body.version, 1);
    assert.equal(skiff.builder.built.length, 1);
    assert.equal(skiff.lines.at(-1), "unchanged hello: version 1 has this source and these settings");
  });

  it("leaves the calls where they are when they cannot be sent to the new version", async () => {
    await post("name=hello", "one");
    const { platform } = skiff;
    platform.route = () => Promise.reject(new Problem("start_failed", "Version 2 did not start."));
    assert.equal((await post("name=hello", "two").expect(422)).body.code, "start_failed");
    const described = await platform.describe("hello");
    assert.deepEqual([described?.version, described?.versions.length], [1, 2]);
  });

  it("makes a version of the same bundle when only the settings differ", async () => {
    await post("name=hello&min=1");
    const answer = await post("name=hello&min=2").expect(200);
    assert.equal(answer.body.version, 2);
    assert.equal(skiff.builder.built.length, 1);
    const { bytes } = (await skiff.platform.readSource("hello"))!;
    assert.equal(Buffer.from(bytes).toString(), "export default () => 1;");
  });

  it("reads the settings of the query and keeps them for later versions", async () => {
    await post(
      "name=hello&min=1&max=3&timeout=30s&idle=2m&memory=256Mi&env=A=1&env=B=x=y&net=api.example.com",
    );
    await post("name=hello&max=4&env=A=2", "export default () => 2;");
    assert.deepEqual(await settings("hello"), {
      min: 1,
      max: 4,
      concurrency: 100,
      timeoutMs: 30_000,
      idleMs: 120_000,
      memoryMiB: 256,
      env: { A: "2", B: "x=y" },
      permissions: { net: ["api.example.com"], sys: [] },
      ...{ entry: "", hosts: [], secrets: {}, access: "public", quota: {}, cron: [], retry: {} },
      ...START_DEFAULTS,
    });
  });

  it("makes URLs of the public URL when there is one", async () => {
    const other = await startManager({ publicUrl: "https://skiff.example/" });
    try {
      const answer = await request(other.url).post("/func?name=hello").send("x");
      assert.equal(answer.body.url, "https://skiff.example/fn/hello");
    } finally {
      await other.stop();
    }
  });

  it("prints one line for each deploy, with the times of build and start", async () => {
    await post("name=hello");
    assert.match(
      skiff.lines[0]!,
      /^deployed hello version 1 in [\d.]+ m?s \(build [\d.]+ m?s, start [\d.]+ m?s\)$/,
    );
    await post("name=hello&min=1");
    assert.match(
      skiff.lines[1]!,
      /^deployed hello version 2 in [\d.]+ m?s \(same bundle, start [\d.]+ m?s\)$/,
    );
    assert.equal(skiff.lines.length, 2);
  });

  it("changes nothing when the source does not build, and says where it is wrong", async () => {
    await post("name=hello");
    const answer = await post("name=hello", "BROKEN\n").expect(422);
    assert.equal(answer.body.code, "build_failed");
    assert.match(answer.body.detail, /^main\.ts:3:7: Unexpected end\n/);
    assert.equal(answer.body.errors[0].lineText, "const x =");
    assert.equal((await skiff.platform.describe("hello"))!.version, 1);
    assert.match(skiff.lines.at(-1)!, /^not deployed: hello: main\.ts:3:7: Unexpected end const x = \^$/);
  });

  it("changes nothing when the new version does not start", async () => {
    const platform = new FakePlatform({
      start: () => {
        throw new Problem("start_failed", "It ended with code 1.", { log: ["boom"] });
      },
    });
    const other = await startManager({ platform });
    try {
      const answer = await request(other.url).post("/func?name=hello").send("x\n").expect(422);
      assert.equal(answer.body.code, "start_failed");
      assert.deepEqual(answer.body.log, ["boom"]);
      assert.equal(await platform.describe("hello"), undefined);
      assert.deepEqual(other.lines, ["not deployed: hello: It ended with code 1."]);
    } finally {
      await other.stop();
    }
  });

  const refused: readonly [title: string, query: string, code: string, detail: RegExp][] = [
    ["no name", "", "invalid_name", /function name is missing/],
    ["an empty name", "name=", "invalid_name", /function name is missing/],
    ["a name that is none", "name=Hello", "invalid_name", /"Hello" is not a valid name/],
    ["two names", "name=a&name=b", "invalid_request", /name was given twice/],
    ["an unknown setting", "name=a&cpu=1", "invalid_setting", /Unknown setting "cpu"/],
    ["a setting that cannot be read", "name=a&timeout=soon", "invalid_setting", /timeout=soon/],
    ["a setting given twice", "name=a&min=1&min=2", "invalid_setting", /min=1,2/],
    ["a setting out of range", "name=a&memory=1Mi", "invalid_setting", /memoryMiB .* 64 to 65536/],
    ["min over max", "name=a&min=5&max=2", "invalid_setting", /min \(5\) is greater than max \(2\)/],
    ["bytes that are no UTF-8", "name=a&env=K=%ff", "invalid_request", /not UTF-8/],
  ];
  for (const [title, query, code, detail] of refused) {
    it(`refuses ${title}`, async () => {
      const answer = await post(query).expect(400);
      assert.equal(answer.body.code, code);
      assert.match(answer.body.detail, detail);
      assert.equal(skiff.builder.built.length, 0);
      assert.match(skiff.lines[0]!, /^not deployed: /);
    });
  }

  it("names the setting in the document", async () => {
    assert.equal((await post("name=a&cpu=1")).body.setting, "cpu");
  });

  it("refuses a name in the query of PUT, which has it in the path", async () => {
    const answer = await request(skiff.url).put("/func/hello?name=other").send("x").expect(400);
    assert.match(answer.body.detail, /Unknown setting "name"/);
  });

  it("refuses an empty source", async () => {
    assert.equal((await post("name=hello", "").expect(400)).body.code, "invalid_source");
  });

  it("refuses a compressed body and a foreign multipart type, with advice", async () => {
    const gzip = await post("name=hello").set("content-encoding", "gzip").expect(415);
    assert.match(gzip.body.detail, /send the source as it is/);
    const mixed = await post("name=hello").set("content-type", "multipart/mixed; boundary=x").expect(415);
    assert.match(mixed.body.detail, /^multipart\/mixed.* multipart\/form-data/);
  });

  const plus: readonly [query: string, value: string][] = [
    ["env=TOKEN=a+b/c==", "a+b/c=="],
    ["env=TOKEN=a%2Bb/c==", "a+b/c=="],
    ["env=TOKEN=a+b", "a+b"],
    ["env=TOKEN%3Da%2Bb", "a+b"],
    ["env=TOKEN=a%20b+c", "a b+c"],
    // As encoders of forms write a space: curl --data-urlencode, URLSearchParams, Python's urlencode.
    ["env=TOKEN%3da+b%2bc%2fd%3d%3d", "a b+c/d=="],
    [String(new URLSearchParams({ env: "TOKEN=a b+c*~(d)" })), "a b+c*~(d)"],
  ];
  for (const [query, value] of plus) {
    it(`reads ${query} as ${value}`, async () => {
      await post(`name=hello&${query}`).expect(201);
      assert.deepEqual((await settings("hello")).env, { TOKEN: value });
    });
  }

  describe("a source without line ends", () => {
    const HINT = /[.^][ \n]curl -d removes line ends; use --data-binary\.$/;

    it("gets a hint at curl -d when it does not build", async () => {
      const { body } = await post("name=hello", "// BROKEN").expect(422);
      assert.match(body.detail, HINT);
      assert.equal(body.errors.length, 1);
      assert.match(skiff.lines[0]!, HINT);
    });

    it("gets a hint when it does not start", async () => {
      skiff.platform.store = () => Promise.reject(new Problem("start_failed", "It has no handler."));
      assert.match((await post("name=hello", "// x").expect(422)).body.detail, HINT);
    });

    it("gets none when it has line ends, another type, another problem, or works", async () => {
      const broken = (body: string) => post("name=hello", body).expect(422);
      for (const body of ["// BROKEN\n", "// BROKEN\rx"])
        assert.doesNotMatch((await broken(body)).body.detail, HINT);
      const typed = await broken("// BROKEN").set("content-type", "text/plain");
      assert.doesNotMatch(typed.body.detail, HINT);
      assert.doesNotMatch((await post("name=hello&min=x", "// BROKEN").expect(400)).body.detail, HINT);
      await post("name=hello").expect(201);
    });
  });

  it("writes no control characters of a user to the terminal", async () => {
    await post(`name=${encodeURIComponent("\u001b[2Jx\n\u202e")}`).expect(400);
    assert.match(skiff.lines[0]!, /^[\x20-\x7e]+$/);
  });
});
