import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { actions, apply } from "../manager/files/folders.ts";
import { BOX, sharedEngine } from "../support/engine.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const MANIFEST = readFileSync(new URL("../../examples/images/skiff.yaml", import.meta.url), "utf8");

describe("the examples of images", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async function () {
    const { socket } = await sharedEngine(this);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: socket } });
    // An image that is on this machine already.
    const text = MANIFEST.replaceAll("docker.io/library/busybox:1.37", BOX);
    assert.notEqual(text, MANIFEST);
    const answer = await apply(skiff.url, { "skiff.yaml": text });
    assert.equal(answer.status, 200, answer.text);
    const names = ["count", "fresh-image", "site"];
    assert.deepEqual(
      actions(answer),
      names.map((name) => `create ${name} done`),
    );
  });
  after(() => skiff?.close());

  const text = async (path: string, body?: string): Promise<string> => {
    const init = body === undefined ? {} : { method: "POST", body };
    const response = await fetch(`${skiff.url}/fn/${path}`, init);
    const answer = await response.text();
    assert.equal(response.status, 200, answer);
    return answer;
  };

  it("count is described with its image and what holds it", async () => {
    const { image, isolation } = (await (await fetch(`${skiff.url}/func/count`)).json()) as {
      image: { image: string; digest: string };
      isolation: { files: string };
    };
    assert.equal(image.image, BOX);
    assert.match(image.digest, /^sha256:[0-9a-f]{64}$/);
    assert.match(isolation.files, /^a container of Podman \S+ on \S+: the files of its image, read-only/);
  });

  it("count runs its command for each call", async () => {
    assert.equal(await text("count", "three small words"), "3\n");
  });

  it("fresh-image has a container for each call, which sees no file of another", async () => {
    for (let call = 0; call < 3; call++) assert.equal(await text("fresh-image"), "1\n");
  });

  it("site is a server of which one container answers many calls", async () => {
    assert.equal(await text("site/"), "hello from an image\n");
    assert.equal(await text("site/index.html"), "hello from an image\n");
  });
});
