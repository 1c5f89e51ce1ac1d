import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import request from "supertest";
import { extract } from "tar-stream";
import type { Images, ResolveOptions } from "../../../platform/images/images.ts";
import { Problem } from "../../../platform/problems.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, actions, apply } from "./folders.ts";

const [FIRST, SECOND] = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];

/** Knows images by their name, and by their digest. */
class FakeImages implements Images {
  readonly digests = new Map([["nginx", FIRST]]);
  readonly asked: [image: string, pullSecret: ResolveOptions["pullSecret"]][] = [];

  async resolve(image: string, { pullSecret }: ResolveOptions) {
    this.asked.push([image, pullSecret]);
    const [name = "", digest = this.digests.get(image)] = image.split("@");
    if (digest !== undefined && /^nginx(:1)?$/.test(name)) return { image, digest };
    throw new Problem("image_unavailable", `${image} does not exist.`, { reason: "not_found" });
  }
}

describe("manager: images in a skiff.yaml", () => {
  let skiff: StartedManager;
  let images: FakeImages;
  beforeEach(async () => {
    images = new FakeImages();
    images.digests.set("nginx:1", FIRST);
    skiff = await startManager({ platform: Object.assign(new FakePlatform(), { images }) });
  });
  afterEach(() => skiff.stop());

  const manifest = (text: string) => ({ "skiff.yaml": text });
  const send = (text: string, query = "") => apply(skiff.url, manifest(text), query);
  const source = async () =>
    JSON.parse(Buffer.from((await skiff.platform.readSource("web"))!.bytes).toString());
  const exported = async (): Promise<string> => {
    const response = await fetch(`${skiff.url}/export`);
    const unpacking = extract();
    unpacking.end(gunzipSync(Buffer.from(await response.arrayBuffer())));
    for await (const entry of unpacking) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.name === "skiff.yaml") return Buffer.concat(chunks).toString();
    }
    throw new Error("the export has no skiff.yaml");
  };
  const WEB = "functions:\n  web:\n    image: nginx:1\n    mode: call\n    command: [sh, -c, cat]\n";

  it("are deployed, and unchanged until their name means another one", async () => {
    assert.deepEqual(actions(await send(WEB)), ["create web done"]);
    assert.deepEqual(await source(), { image: "nginx:1", digest: FIRST });
    const { runtime, program } = (await skiff.platform.find("web"))!.settings;
    assert.deepEqual([runtime, program], ["image", { mode: "call", command: ["sh", "-c", "cat"] }]);
    assert.deepEqual(actions(await send(WEB)), ["unchanged web done"]);
    images.digests.set("nginx:1", SECOND);
    const planned = await send(WEB, "dryRun");
    assert.deepEqual(actions(planned), ["update web planned"]);
    const [web] = (planned.body as Applied).functions;
    assert.match(web!.diff, new RegExp(`-.*"digest":"${FIRST}".*\\n\\+.*"digest":"${SECOND}"`));
    assert.deepEqual(actions(await send(WEB)), ["update web done"]);
    assert.deepEqual(await source(), { image: "nginx:1", digest: SECOND });
  });

  it("are exported with their digest, and an apply of that restores them whatever their name means", async () => {
    await send(`${WEB.replace("nginx:1", "nginx")}`);
    await send(WEB.replaceAll("web", "pinned"));
    const text = await exported();
    assert.match(text, new RegExp(`image: nginx:latest@${FIRST}`));
    assert.match(text, new RegExp(`image: nginx:1@${FIRST}`));
    assert.ok(!text.includes("runtime"), text);
    images.digests.clear();
    images.asked.length = 0;
    assert.deepEqual(actions(await send(text)), ["unchanged pinned done", "unchanged web done"]);
    assert.deepEqual(images.asked, [], "an unchanged image is not pulled");
    const other = await startManager({ platform: Object.assign(new FakePlatform(), { images }) });
    try {
      const answer = await apply(other.url, manifest(text));
      assert.deepEqual(actions(answer), ["create pinned done", "create web done"], answer.text);
      assert.deepEqual(images.asked[0], [`nginx@${FIRST}`, undefined]);
    } finally {
      await other.stop();
    }
  });

  it("share the calls of a function", async () => {
    images.digests.set("nginx:1", SECOND);
    const versions = "functions:\n  web:\n    versions:\n    - {weight: 9, image: nginx}\n";
    const text = `${versions}    - {weight: 1, image: "nginx:1"}\n`;
    assert.deepEqual(actions(await send(text)), ["create web done"]);
    assert.deepEqual(actions(await send(text)), ["unchanged web done"]);
    const { body } = await request(skiff.url).get("/func/web").expect(200);
    assert.equal(body.traffic.length, 2);
  });

  it("are in the description of the function", async () => {
    await send(WEB);
    const { body } = await request(skiff.url).get("/func/web").expect(200);
    assert.deepEqual(body.image, { image: "nginx:1", digest: FIRST });
  });

  const refused: Record<string, [text: string, detail: RegExp]> = {
    "a source beside them": [
      "functions:\n  a: {image: nginx, source: a.ts}\n",
      /^skiff\.yaml:2:\d+: source and image exclude each other/,
    ],
    "a name that is none": ["functions:\n  a: {image: -x}\n", /image must be the name of an image/],
    "another runtime": [
      "functions:\n  a: {image: nginx, runtime: deno}\n",
      /runtime deno does not run images/,
    ],
    "settings that contradict": [
      "functions:\n  a: {image: nginx, cgi: true}\n",
      /2:\d+: cgi needs mode=call/,
    ],
  };
  for (const [what, [text, detail]] of Object.entries(refused)) {
    it(`refuse ${what}`, async () => {
      const { body, status } = await send(text);
      assert.deepEqual([status, body.code], [400, "invalid_declaration"]);
      assert.match(body.detail, detail);
    });
  }

  it("name an image that is not there", async () => {
    const { body, status } = await send("functions:\n  a: {image: absent}\n");
    assert.deepEqual([status, body.code, body.reason], [422, "image_unavailable", "not_found"]);
  });
});
