import { strict as assert } from "node:assert";
import request from "supertest";
import { type StartedManager, startManager } from "../started-manager.ts";

const BOUNDARY = "------------------------d74496d66958873e";
const FORM = `multipart/form-data; boundary=${BOUNDARY}`;
const SOURCE = 'Content-Disposition: form-data; name="source"; filename="main.ts"';
const CODE = "export default () => 1;";

const field = (name: string) => `Content-Disposition: form-data; name="${name}"`;
const part = (head: string, body: string) => `--${BOUNDARY}\r\n${head}\r\n\r\n${body}\r\n`;
const form = (...parts: string[]) => `${parts.join("")}--${BOUNDARY}--\r\n`;
const hello = part(field("name"), "hello");
const code = part(SOURCE, CODE);

describe("manager: deploying with a form", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager({ limits: { sourceBytes: 1024 } });
  });
  afterEach(() => skiff.stop());

  const post = (body: string | Buffer, { query = "", type = FORM } = {}) =>
    request(skiff.url)
      .post(`/func${query}`)
      .set("content-type", type)
      .send(typeof body === "string" ? Buffer.from(body) : body);
  const settings = async () => (await skiff.platform.find("hello"))!.settings;

  it("reads the source and the settings of one request", async () => {
    const answer = await request(skiff.url)
      .post("/func")
      .attach("source", Buffer.from(CODE), "main.ts")
      .field("name", "hello")
      .field("env", "TOKEN=a+b/c==%20&x")
      .field("env", "OTHER=")
      .field("memory", "256Mi")
      .field("net", "none")
      .expect(201);
    assert.equal(answer.headers.location, "/func/hello");
    const { env, memoryMiB, permissions } = await settings();
    assert.deepEqual([env, memoryMiB], [{ TOKEN: "a+b/c==%20&x", OTHER: "" }, 256]);
    assert.deepEqual(permissions.net, []);
    assert.deepEqual(skiff.builder.built, [CODE]);
    assert.match(skiff.lines[0]!, /^deployed hello version 1 /);
  });

  it("keeps every byte of a value and of the source", async () => {
    const value = "TOKEN=\ufeff a\r\nb\tü€😀\r\n--x ";
    const bytes = Buffer.from("PK\x03\x04\x00\xff\r\n--\r\n", "latin1");
    const body = Buffer.concat([
      Buffer.from(`${hello}${part(field("env"), value)}--${BOUNDARY}\r\n${SOURCE}\r\n\r\n`),
      bytes,
      Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
    ]);
    await post(body).expect(201);
    assert.deepEqual((await settings()).env, { TOKEN: value.slice(6) });
    assert.deepEqual(Buffer.from((await skiff.platform.readSource("hello"))!.bytes), bytes);
  });

  it("takes the name and other settings from the query or the path", async () => {
    await post(form(code, part(field("min"), "1")), { query: "?name=hello&max=3" }).expect(201);
    await request(skiff.url)
      .put("/func/hello")
      .set("content-type", FORM)
      .send(form(code, part(field("min"), "2")));
    const { min, max } = await settings();
    assert.deepEqual([min, max], [2, 3]);
  });

  it("takes the source as text, and in any place of the form", async () => {
    await post(form(part(field("source"), "export default 'ü';"), hello)).expect(201);
    assert.deepEqual(skiff.builder.built, ["export default 'ü';"]);
  });

  const refused: readonly [title: string, body: string, code: string, detail: RegExp][] = [
    ["no source", form(hello), "invalid_request", /no field source: .*-F source=@main\.ts/],
    ["no part", form(), "invalid_request", /no field source/],
    ["two sources", form(hello, code, code), "invalid_request", /2 fields source: send one\..*archive/],
    ["no name", form(code), "invalid_name", /function name is missing/],
    [
      "an invalid name",
      form(code, part(field("name"), "Hello")),
      "invalid_name",
      /"Hello" is not a valid name/,
    ],
    ["two names", form(code, hello, hello), "invalid_request", /name was given twice/],
    [
      "an unknown field",
      form(hello, code, part(field("timout"), "1s")),
      "invalid_setting",
      /Did you mean "timeout"/,
    ],
    [
      "a huge name of a field",
      form(hello, code, part(field("x".repeat(900_000)), "")),
      "invalid_setting",
      /^Unknown setting "x{80}"/,
    ],
    [
      "a setting twice",
      form(hello, code, part(field("min"), "1"), part(field("min"), "2")),
      "invalid_setting",
      /min=1,2/,
    ],
    [
      "a file as a setting",
      form(hello, code, part(`${field("env")}; filename="x"`, "A=1")),
      "invalid_setting",
      /field env is a file.*-F 'env=<FILE'/,
    ],
    [
      "a long value",
      form(hello, code, part(field("env"), `A=${"x".repeat(131_072)}`)),
      "invalid_setting",
      /field env is over 128 KiB/,
    ],
    [
      "10,000 fields",
      form(hello, code, ...Array.from({ length: 10_000 }, (_, n) => part(field("env"), `A${n}=`))),
      "invalid_request",
      /over 1000 fields/,
    ],
    ["an empty body", "", "invalid_request", /form cannot be read/],
    [
      "a part without a name",
      form(hello, code, part("Content-Disposition: form-data", "1")),
      "invalid_request",
      /form cannot be read \(name attribute/,
    ],
    [
      "a part without its header",
      form(hello, code, part("X: y", "1")),
      "invalid_request",
      /form cannot be read/,
    ],
    [
      "a broken header",
      form(hello, code, part(`${field("min")}\r\nbroken line`, "1")),
      "invalid_request",
      /form cannot be read/,
    ],
    ["a form without its end", `${hello}${code}`, "invalid_request", /form cannot be read/],
    [
      "a part without its end",
      `${hello}--${BOUNDARY}\r\n${SOURCE}\r\n\r\nexport`,
      "invalid_request",
      /form cannot be read/,
    ],
    [
      "another boundary",
      form(hello, code).replaceAll(BOUNDARY, "other"),
      "invalid_request",
      /form cannot be read/,
    ],
    ["bare line feeds", form(hello, code).replaceAll("\r\n", "\n"), "invalid_request", /form cannot be read/],
    ["an empty source", form(hello, part(SOURCE, "")), "invalid_source", /empty/],
  ];
  for (const [title, body, problem, detail] of refused) {
    it(`refuses ${title}`, async () => {
      const answer = await post(body).expect(400);
      assert.equal(answer.body.code, problem);
      assert.match(answer.body.detail, detail);
      assert.equal(skiff.builder.built.length, 0);
      assert.match(skiff.lines[0]!, /^not deployed: /);
    });
  }

  for (const name of ["name", "env", "min"]) {
    it(`refuses ${name} in the query and in the form`, async () => {
      const values: Record<string, string> = { name: "hello", env: "A=1", min: "1" };
      const query = `?name=hello&${new URLSearchParams({ [name]: values[name]! })}`;
      const { body } = await post(form(code, part(field(name), values[name]!)), {
        query: name === "name" ? "?name=hello" : query,
      }).expect(400);
      assert.match(body.detail, new RegExp(`^${name} is in the query and in the form`));
      assert.equal(body.setting, name);
    });
  }

  it("refuses a name in the form of PUT, which has it in the path", async () => {
    const put = request(skiff.url).put("/func/hello").set("content-type", FORM);
    assert.match((await put.send(form(code, hello)).expect(400)).body.detail, /Unknown setting "name"/);
  });

  it("refuses values that are not UTF-8 instead of changing them", async () => {
    for (const [head, rest] of [
      [field("env"), code],
      [field("source"), ""],
    ] as const) {
      const body = Buffer.concat([
        Buffer.from(`${hello}${rest}--${BOUNDARY}\r\n${head}\r\n\r\nA=`),
        Buffer.from([0xff]),
      ]);
      const answer = await post(Buffer.concat([body, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])).expect(400);
      assert.match(answer.body.detail, /not UTF-8/);
    }
  });

  it("refuses wrong settings of the query before the body comes", async () => {
    const head = `POST /func?name=hello&min=x HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${FORM}\r\n`;
    const answer = skiff.raw(`${head}connection: close\r\ncontent-length: 100\r\n\r\n--`);
    assert.match(await answer, /^HTTP\/1\.1 400 .*min=x cannot be read/s);
  });

  it("refuses a source and a form over the limit, naming it", async () => {
    const most = part(SOURCE, "x".repeat(1024));
    await post(form(hello, most)).expect(201);
    for (const body of [
      form(hello, part(SOURCE, "x".repeat(1025))),
      form(hello, part(SOURCE, "x".repeat(1024 ** 2 + 1024))),
    ]) {
      const answer = await post(body).expect(413);
      assert.equal(answer.body.code, "source_too_large");
      assert.match(answer.body.detail, /SKIFF_MAX_SOURCE/);
    }
  });

  it("names the missing boundary of a Content-Type that was written by hand", async () => {
    for (const type of ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; ="]) {
      const answer = await post(form(hello, code), { type }).expect(400);
      assert.match(answer.body.detail, /Content-Type has no boundary/, type);
    }
  });

  it("refuses the form of a page as it refuses every request of a page", async () => {
    await post(form(hello, code)).set("origin", "http://evil.example").expect(403);
    assert.equal(skiff.builder.built.length, 0);
  });
});
