import { strict as assert } from "node:assert";
import request from "supertest";
import type { Images, ResolveOptions } from "../../../platform/images/images.ts";
import { Problem } from "../../../platform/problems.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const SHELL = "#!/bin/sh\ncat\n";
const DIGESTS = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`);

/** Knows images by their name. */
class FakeImages implements Images {
  readonly digests = new Map<string, string>([["nginx:1", DIGESTS[0]!]]);
  readonly asked: [image: string, pullSecret: ResolveOptions["pullSecret"]][] = [];

  async resolve(image: string, { pullSecret }: ResolveOptions) {
    this.asked.push([image, pullSecret]);
    const digest = this.digests.get(image);
    if (digest !== undefined) return { image, digest };
    throw new Problem("image_unavailable", `${image} does not exist.`, { reason: "not_found" });
  }
}

describe("manager: deploying a program", () => {
  let skiff: StartedManager;
  beforeEach(async () => {
    skiff = await startManager();
  });
  afterEach(() => skiff.stop());
  const post = (query: string, body = SHELL) => request(skiff.url).post(`/func?${query}`).send(body);

  it("keeps its bytes and gives them back as a file of the system", async () => {
    await post("name=echo&runtime=program").expect(201);
    const answer = await request(skiff.url).get("/func/echo/source").buffer().expect(200);
    assert.equal(answer.headers["content-type"], "application/octet-stream");
    assert.equal(String(answer.body), SHELL);
    assert.match(answer.headers["content-disposition"]!, /filename="echo-1"/);
  });

  it("stays a program in later deploys", async () => {
    await post("name=echo&runtime=program").expect(201);
    const { body } = await request(skiff.url).put("/func/echo").send("#!/bin/sh\n").expect(200);
    assert.equal(body.version, 2);
    assert.equal((await skiff.platform.find("echo"))?.settings.runtime, "program");
    assert.equal((await request(skiff.url).put("/func/echo").send("#!/bin/sh\n")).body.unchanged, true);
  });

  it("is refused without its runtime", async () => {
    const { body } = await post("name=echo").expect(400);
    assert.equal(body.code, "invalid_source");
    assert.match(body.detail, /#!\/bin\/sh.*runtime=program/);
  });

  it("is refused for an unknown runtime before its bytes are read", async () => {
    const { body } = await post("name=echo&runtime=banana").expect(400);
    assert.equal(body.setting, "runtime");
    assert.match(body.detail, /^runtime must be deno or program or image, not "banana"/);
  });

  it("is built again for another command, and not for other settings", async () => {
    await post("name=echo&runtime=program").expect(201);
    const patch = (settings: object) =>
      request(skiff.url).patch("/func/echo").set("content-type", "application/json").send(settings);
    await patch({ min: 1 }).expect(200);
    assert.equal(skiff.builder.built.length, 1);
    await patch({ program: { command: ["cat"] } }).expect(200);
    assert.deepEqual(skiff.builder.built, [SHELL, SHELL]);
    assert.deepEqual(skiff.builder.starts.at(-1)?.start, {
      ...{ runtime: "program", command: ["cat"], handler: null },
    });
  });

  it("is recognised again for another runtime, as by a deploy of the same file", async () => {
    const patch = (settings: object) =>
      request(skiff.url).patch("/func/echo").set("content-type", "application/json").send(settings);
    await post("name=echo&runtime=program").expect(201);
    const refused = await patch({ runtime: "deno" }).expect(400);
    assert.equal(refused.body.code, "invalid_source");
    assert.match(refused.body.detail, /begins with "#!\/bin\/sh": deploy it as a program/);
    assert.equal((await skiff.platform.find("echo"))?.version, 1);
    await request(skiff.url).put("/func/echo?runtime=deno").send("PLAIN").expect(200);
    await patch({ runtime: "program", program: { command: ["cat"] } }).expect(200);
    const { headers } = await request(skiff.url).get("/func/echo/source").buffer().expect(200);
    assert.equal(headers["content-type"], "application/octet-stream");
  });

  it("says which of the settings that contradict each other an earlier version has", async () => {
    const detailOf = async (query: string) => (await post(`name=echo&${query}`).expect(400)).body.detail;
    await request(skiff.url).put("/func/echo?runtime=program&cgi=1").send(SHELL).expect(201);
    const put = (query: string) => request(skiff.url).put(`/func/echo?${query}`).send(SHELL);
    const { body } = await put("handler=main.fn").expect(400);
    assert.equal(body.setting, "cgi");
    assert.match(
      body.detail,
      /^cgi needs mode=call: .* cgi is kept from an earlier version; cgi=default resets it\.$/,
    );
    await put("cgi=default&mode=call").expect(200);
    const mode = (await put("handler=main.fn").expect(400)).body.detail;
    assert.match(mode, /mode is kept from an earlier version; mode=default resets it\.$/);
    await put("mode=serve").expect(200);
    const both = (await put("cgi=1&mode=serve").expect(400)).body.detail;
    assert.doesNotMatch(both, /earlier version/);
    assert.match(await detailOf("runtime=program&mode=serve&cgi=1"), /speaks HTTP itself\.$/);
  });

  it("reads + in a command as a space", async () => {
    await post("name=echo&runtime=program&command=./main+-c+'a%2Bb'").expect(201);
    assert.deepEqual((await skiff.platform.find("echo"))?.settings.program.command, ["./main", "-c", "a+b"]);
  });

  it("says that curl -d has removed the line ends of a script", async () => {
    const answer = await request(skiff.url)
      .post("/func?name=echo&runtime=program")
      .set("content-type", "application/x-www-form-urlencoded")
      .send("#!/bin/sh BROKEN");
    assert.equal(answer.status, 422);
    assert.match(answer.body.detail, /--data-binary/);
  });
});

describe("manager: deploying an image", () => {
  let skiff: StartedManager;
  let images: FakeImages;
  beforeEach(async () => {
    images = new FakeImages();
    skiff = await startManager({ platform: Object.assign(new FakePlatform(), { images }) });
  });
  afterEach(() => skiff.stop());
  const source = async () =>
    JSON.parse(Buffer.from((await skiff.platform.readSource("web"))!.bytes).toString());

  it("needs no body, and records the digest as the source", async () => {
    const { body } = await request(skiff.url).post("/func?name=web&image=nginx:1").expect(201);
    assert.equal(body.version, 1);
    assert.deepEqual(await source(), { image: "nginx:1", digest: DIGESTS[0] });
    assert.equal((await skiff.platform.find("web"))?.settings.runtime, "image");
    assert.match(
      skiff.lines[0]!,
      /^deployed web version 1 in [\d.]+ m?s \(pull [\d.]+ m?s, start [\d.]+ m?s\)$/,
    );
    const { headers } = await request(skiff.url).get("/func/web/source").buffer().expect(200);
    assert.equal(headers["content-type"], "application/vnd.skiff.image+json");
  });

  it("is a new version once the tag has moved, and unchanged before", async () => {
    const put = () =>
      request(skiff.url)
        .put("/func/web?image=nginx:1")
        .expect((answer) => {
          assert.ok(answer.ok, answer.text);
        });
    assert.equal((await put()).body.created, true);
    assert.equal((await put()).body.unchanged, true);
    images.digests.set("nginx:1", DIGESTS[1]!);
    assert.equal((await put()).body.version, 2);
    assert.deepEqual(await source(), { image: "nginx:1", digest: DIGESTS[1] });
  });

  it("is not looked up again for settings", async () => {
    await request(skiff.url).post("/func?name=web&image=nginx:1").expect(201);
    const patch = request(skiff.url).patch("/func/web").set("content-type", "application/json");
    assert.equal((await patch.send({ min: 1 }).expect(200)).body.version, 2);
    assert.equal(images.asked.length, 1);
  });

  it("keeps the secret with which it is pulled, as long as it is in use", async () => {
    await skiff.platform.secrets.put("registry", { value: "robot:pass" });
    await request(skiff.url).post("/func?name=web&image=nginx:1&pull-secret=registry").expect(201);
    const { body } = await request(skiff.url).get("/secret/registry").expect(200);
    assert.deepEqual(body.functions, [{ name: "web", version: 1, secretVersion: null }]);
    const refused = await request(skiff.url).delete("/secret/registry").expect(409);
    assert.equal(refused.body.code, "secret_in_use");
    await request(skiff.url).delete("/secret/registry?force=true").expect(200);
  });

  it("is pulled with the secret of the settings", async () => {
    await skiff.platform.secrets.put("registry", { value: "robot:pass" });
    await request(skiff.url).post("/func?name=web&image=nginx:1&pull-secret=registry").expect(201);
    await request(skiff.url).put("/func/web?image=nginx:1").expect(200);
    assert.deepEqual(images.asked, [
      ["nginx:1", "registry"],
      ["nginx:1", "registry"],
    ]);
  });

  it("is refused with its reason, changing nothing", async () => {
    const { body } = await request(skiff.url).post("/func?name=web&image=gone:1").expect(422);
    assert.deepEqual([body.code, body.reason], ["image_unavailable", "not_found"]);
    assert.equal(await skiff.platform.find("web"), undefined);
    assert.match(skiff.lines[0]!, /^not deployed: web: gone:1 does not exist/);
  });

  it("takes the place of a source, and of another runtime", async () => {
    const post = (query: string, body = "") => request(skiff.url).post(`/func?name=web&${query}`).send(body);
    assert.equal((await post("image=nginx:1", "x").expect(400)).body.code, "invalid_request");
    assert.equal((await post("image=nginx:1&runtime=deno").expect(400)).body.code, "invalid_setting");
    assert.equal((await post("image=-rf%20/").expect(400)).body.code, "invalid_request");
    assert.equal((await post("image=nginx:1&image=nginx:1").expect(400)).body.code, "invalid_request");
    assert.deepEqual(images.asked, []);
  });

  it("comes in a form without a source, too", async () => {
    const form = request(skiff.url).post("/func").field("name", "web").field("image", "nginx:1");
    assert.equal((await form.expect(201)).body.version, 1);
  });

  it("says what is missing where no image can run", async () => {
    const other = await startManager();
    try {
      const { body } = await request(other.url).post("/func?name=web&image=nginx:1").expect(501);
      assert.equal(body.code, "no_engine");
    } finally {
      await other.stop();
    }
  });
});
